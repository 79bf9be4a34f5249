import { Router } from 'express';
import { z } from 'zod';
import type { OperatorReads } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

const List = Filter.extend({ state: z.enum(['waiting', 'open', 'closed']).optional() });

export function effectsRoutes(reads: OperatorReads): Router {
  const routes = Router();
  routes
    .route('/effects')
    .get(async (request, response) => {
      response.json({ items: await reads.effects(List.parse(request.query)) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
