import { Router } from 'express';
import type { OperatorReads } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

export function inboxRoutes(group: string, reads: OperatorReads): Router {
  const routes = Router();
  routes
    .route('/inbox')
    .get(async (request, response) => {
      response.json({ items: await reads.inbox(group, Filter.parse(request.query)) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
