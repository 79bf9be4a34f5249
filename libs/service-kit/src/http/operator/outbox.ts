import { Router } from 'express';
import type { PostgresStore } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

export function outboxRoutes(store: PostgresStore): Router {
  const routes = Router();
  routes
    .route('/outbox')
    .get(async (request, response) => {
      const [items, { oldestMs }, scheduled] = await Promise.all([
        store.operatorReads.outbox(Filter.parse(request.query)),
        store.outboxStatus(),
        store.operatorReads.scheduled(),
      ]);
      response.json({ oldest_ms: oldestMs, scheduled, items });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
