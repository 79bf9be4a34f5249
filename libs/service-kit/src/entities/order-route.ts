import { Router } from 'express';
import { MoreThan, type EntitySchema, type FindOptionsWhere } from 'typeorm';
import { Id } from '@order-events/contracts';
import { onlyMethods, Problem } from '../http/problem';
import type { EntityStore } from './entity-store';

/** `GET /orders/{id}` for the operator: what the service holds of one order. */
export function orderRoute<R extends { order_id: string; version: number }>(
  store: EntityStore,
  entity: EntitySchema<R>,
): Router {
  const routes = Router();
  routes
    .route('/orders/:id')
    .get(async (request, response) => {
      const id = Id.safeParse(request.params.id);
      // A row that was made to be locked and not written since says nothing.
      const written = { order_id: id.data, version: MoreThan(0) } as FindOptionsWhere<R>;
      const row = id.success ? await store.query((manager) => manager.findOneBy(entity, written)) : null;
      if (!row) throw new Problem(404, { kind: 'unknown-order', detail: 'Nothing is known of such an order here.' });
      response.json(row);
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
