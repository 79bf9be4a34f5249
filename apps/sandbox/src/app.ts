import express, { type Express } from 'express';
import { healthRoutes, jsonBody, logged, type Logger, notFound, problemHandler } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { carrier } from './carrier/routes';
import { gateway } from './gateway/routes';
import { ledger } from './ledger/routes';
import { mails } from './mail/mails';

export interface AppOptions {
  database: Database;
  log: Logger;
  /** How long a caller whose answer gets lost waits until the connection is cut, milliseconds. */
  silenceMs: number;
}

/** The outside world over HTTP: what the services call, and what people and `verify` read back. */
export function createApp({ database, log, silenceMs }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // An order of a thousand lines fits in.
  app.use(...jsonBody('1mb'));
  app.use('/gateway', gateway({ database, silenceMs }));
  app.use('/carrier', carrier(database));
  app.use('/ledger', ledger(database));
  app.use('/mails', mails(database));
  const checks = { database: async () => void (await database.query('SELECT 1')) };
  app.use(healthRoutes('sandbox', logged(checks, log)));
  app.use(notFound, problemHandler(log));
  return app;
}
