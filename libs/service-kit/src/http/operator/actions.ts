import { Router } from 'express';
import { z } from 'zod';
import type { OperatorActions } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter, Text } from './input';

const List = z.strictObject({
  actor: Text(200).optional(),
  action: Text(20).optional(),
  event_id: z.guid().optional(),
  limit: Filter.shape.limit,
});

/** Who did what to this service by hand, and why; the newest first. */
export function actionsRoutes(actions: OperatorActions): Router {
  const routes = Router();
  routes
    .route('/actions')
    .get(async (request, response) => {
      const { limit, ...filter } = List.parse(request.query);
      response.json({ items: await actions.list(filter, limit) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
