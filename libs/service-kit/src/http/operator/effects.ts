import { Router } from 'express';
import type { OperatorReads } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

export function effectsRoutes(reads: OperatorReads): Router {
  const routes = Router();
  routes
    .route('/effects')
    .get(async (request, response) => {
      response.json({ items: await reads.effects(Filter.parse(request.query)) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
