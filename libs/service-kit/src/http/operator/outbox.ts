import { Router } from 'express';
import type { PostgresStore } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

export function outboxRoutes(store: PostgresStore): Router {
  const routes = Router();
  routes
    .route('/outbox')
    .get(async (request, response) => {
      const items = await store.operatorReads.outbox(Filter.parse(request.query));
      response.json({ oldest_ms: (await store.outboxStatus()).oldestMs, items });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
