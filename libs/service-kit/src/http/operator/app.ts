import express, { type Express, type Router } from 'express';
import type { Service } from '@order-events/contracts';
import type { Transport } from '@order-events/messaging';
import type { PostgresStore } from '@order-events/store';
import type { Logger } from '../../log';
import type { Metrics } from '../../metrics';
import { healthRoutes, type Checks } from '../health';
import { jsonBody } from '../json-body';
import { noStore } from '../no-store';
import { notFound, onlyMethods, problemHandler } from '../problem';
import { actionsRoutes } from './actions';
import { auditRoutes } from './audit';
import { bearer } from './bearer';
import { consumptionRoutes } from './consumption';
import { deadLetterRoutes } from './dead-letters';
import { effectsRoutes } from './effects';
import { inboxRoutes } from './inbox';
import { lagRoutes } from './lag';
import { outboxRoutes } from './outbox';
import { replayRoutes } from './replay';

export interface OperatorOptions {
  /** Its consumer group, too. */
  service: Service;
  /** Without one, only health and metrics are served. */
  token: string | undefined;
  store: PostgresStore;
  transport: Pick<Transport, 'backlog'>;
  metrics: Metrics;
  log: Logger;
  checks: Checks;
  /** Routes of the domain. */
  routes?: Router;
}

/** The operator's interface, the same for every service. */
export function operatorApp(options: OperatorOptions): Express {
  const { service, token, store, transport, metrics, log, checks, routes } = options;
  const app = express();
  app.disable('x-powered-by');
  app.use(noStore, healthRoutes(service, checks, { reasons: true }));
  app
    .route('/metrics')
    .get(async (_request, response) => {
      response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    })
    .all(onlyMethods('GET', 'HEAD'));
  app.use(bearer(token));
  app.use(inboxRoutes(service, store.operatorReads), outboxRoutes(store), effectsRoutes(store.operatorReads));
  app.use(deadLetterRoutes(store.deadLetters), actionsRoutes(store.operatorActions));
  app.use(consumptionRoutes(service, store.operatorActions), lagRoutes({ group: service, store, transport, log }));
  app.use(auditRoutes(store.audit, store.operatorActions, log), replayRoutes(store, log));
  if (routes) app.use(...jsonBody('64kb'), routes);
  app.use(notFound, problemHandler(log));
  return app;
}
