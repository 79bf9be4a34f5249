import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type Express, type RequestHandler, type Router } from 'express';
import { z } from 'zod';
import type { PostgresStore } from '@order-events/store';
import type { Logger } from '../log';
import type { Metrics } from '../metrics';
import { healthRoutes, type Checks } from './health';
import { jsonBody } from './json-body';
import { notFound, onlyMethods, Problem, problemHandler } from './problem';

export interface OperatorOptions {
  service: string;
  /** Without one, only health and metrics are served. */
  token: string | undefined;
  store: PostgresStore;
  metrics: Metrics;
  log: Logger;
  checks: Checks;
  /** Routes of the domain. */
  routes?: Router;
}

/** The operator's interface, the same for every service. */
export function operatorApp({ service, token, store, metrics, log, checks, routes }: OperatorOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(healthRoutes(service, checks, { reasons: true }));
  app
    .route('/metrics')
    .get(async (_request, response) => {
      response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    })
    .all(onlyMethods('GET', 'HEAD'));
  app.use(bearer(token));
  app
    .route('/inbox')
    .get(async (request, response) => {
      const { state, key, limit } = Filter.parse(request.query);
      response.json({ items: await store.database.query(INBOX, [state ?? null, key ?? null, limit]) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  app
    .route('/outbox')
    .get(async (request, response) => {
      const { key, limit } = Filter.parse(request.query);
      const items = await store.database.query(OUTBOX, [key ?? null, limit]);
      response.json({ oldest_ms: (await store.outboxStatus()).oldestMs, items });
    })
    .all(onlyMethods('GET', 'HEAD'));
  app
    .route('/effects')
    .get(async (request, response) => {
      const { state, key, limit } = Filter.parse(request.query);
      response.json({ items: await store.database.query(EFFECTS, [state ?? null, key ?? null, limit]) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  if (routes) app.use(...jsonBody('64kb'), routes);
  app.use(notFound, problemHandler(log));
  return app;
}

const Filter = z.strictObject({
  state: z.string().optional(),
  key: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const INBOX = `
  SELECT i.consumer_group, i.id, i.topic, i.key, i.state, i.at, f.attempts, f.due_at, f.errors
  FROM inbox i LEFT JOIN failures f USING (consumer_group, id)
  WHERE ($1::text IS NULL OR i.state = $1) AND ($2::text IS NULL OR i.key = $2) ORDER BY i.at DESC LIMIT $3`;
const OUTBOX = `
  SELECT position, id, topic, key, created_at FROM outbox
  WHERE ($1::text IS NULL OR key = $1) ORDER BY position DESC LIMIT $2`;
const EFFECTS = `
  SELECT seq, kind, key, idempotency_key, state, attempts, due_at, created_at, closed_at, errors FROM effects
  WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR key = $2) ORDER BY seq DESC LIMIT $3`;

function bearer(token: string | undefined): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return (request, _response, next) => {
    if (token === undefined)
      return next(
        new Problem(403, {
          kind: 'operator-off',
          detail: 'The operator routes are off: this service was started without OPERATOR_TOKEN.',
        }),
      );
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    if (timingSafeEqual(digest(given), digest(token))) return next();
    const headers = { 'www-authenticate': 'Bearer' };
    next(
      new Problem(401, {
        kind: 'unauthorized',
        detail: 'These routes need the header Authorization: Bearer, with the OPERATOR_TOKEN of this service.',
        headers,
      }),
    );
  };
}
