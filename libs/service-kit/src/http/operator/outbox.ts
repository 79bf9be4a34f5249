import { Router } from 'express';
import type { PostgresStore } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

const OUTBOX = `
  SELECT position, id, topic, key, created_at FROM outbox
  WHERE ($1::text IS NULL OR key = $1) ORDER BY position DESC LIMIT $2`;

export function outboxRoutes(store: PostgresStore): Router {
  const routes = Router();
  routes
    .route('/outbox')
    .get(async (request, response) => {
      const { key, limit } = Filter.parse(request.query);
      const items = await store.database.query(OUTBOX, [key ?? null, limit]);
      response.json({ oldest_ms: (await store.outboxStatus()).oldestMs, items });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
