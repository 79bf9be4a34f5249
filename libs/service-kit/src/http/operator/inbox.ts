import { Router } from 'express';
import { z } from 'zod';
import type { OperatorReads } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter } from './input';

const List = Filter.extend({ state: z.enum(['applied', 'retrying', 'dead', 'expired', 'discarded']).optional() });

export function inboxRoutes(group: string, reads: OperatorReads): Router {
  const routes = Router();
  routes
    .route('/inbox')
    .get(async (request, response) => {
      response.json({ items: await reads.inbox(group, List.parse(request.query)) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
