import { Router } from 'express';
import type { Availability } from '@order-events/contracts';
import { onlyMethods } from '@order-events/service-kit';
import type { EntityStore } from '@order-events/service-kit/entities';
import { traceparentFrom } from '../traceparent';
import { findProduct } from './products';

export interface AvailabilityRoutesOptions {
  entities: EntityStore;
  /** Asks inventory. @throws RequestError */
  availabilityOf(product_id: string, traceparent: string | undefined): Promise<Availability>;
}

/** How much of a product there is: what inventory says now, and the one thing at this door that needs another service. */
export function availabilityRoutes({ entities, availabilityOf }: AvailabilityRoutesOptions): Router {
  const routes = Router();
  routes
    .route('/products/:id/availability')
    .get(async (request, response) => {
      // Inventory is asked for nothing that is not in the catalogue.
      const { product_id } = await findProduct(entities, request.params.id);
      response.json(await availabilityOf(product_id, traceparentFrom(request.get('traceparent'))));
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
