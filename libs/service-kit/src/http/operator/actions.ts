import { Router } from 'express';
import { z } from 'zod';
import { OPERATOR_ACTIONS, type OperatorActions } from '@order-events/store';
import { onlyMethods } from '../problem';
import { Filter, Text } from './input';

const List = z.strictObject({
  actor: Text(200).optional(),
  action: z.enum(OPERATOR_ACTIONS, `must be one of ${OPERATOR_ACTIONS.join(', ')}`).optional(),
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
