import express, { type Express } from 'express';
import type { Logger } from 'pino';
import { carrier } from './carrier/routes';
import type { Database } from './database';
import { gateway } from './gateway/routes';
import { answerWithProblem, noSuchRoute } from './http/problem';
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
  app.use(express.json({ limit: '1mb' }));

  app.use('/gateway', gateway({ database, silenceMs }));
  app.use('/carrier', carrier(database));
  app.use('/ledger', ledger(database));
  app.use('/mails', mails(database));

  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  app.get('/readyz', async (_request, response) => {
    await database.query('SELECT 1');
    response.json({ status: 'ready' });
  });

  app.use(noSuchRoute);
  app.use(answerWithProblem(log));
  return app;
}
