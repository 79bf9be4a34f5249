import { Router } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { onlyMethods, pageOf, paging, placeFrom, Problem } from '@order-events/service-kit';
import type { EntityStore } from '@order-events/service-kit/entities';
import { MoreThan } from 'typeorm';
import { ProductEntity } from '../store/entities';

const ProductQuery = z.strictObject(paging);

/** The catalogue. */
export function productRoutes(entities: EntityStore): Router {
  const routes = Router();
  routes
    .route('/products')
    .get(async (request, response) => {
      const { cursor, limit } = ProductQuery.parse(request.query);
      const where = cursor === undefined ? {} : { product_id: MoreThan(placeFrom(cursor, Id)) };
      const rows = await entities.query((manager) =>
        manager.find(ProductEntity, { where, order: { product_id: 'ASC' }, take: limit + 1 }),
      );
      response.json(
        pageOf(
          rows,
          limit,
          ({ product_id }) => product_id,
          (product) => product,
        ),
      );
    })
    .all(onlyMethods('GET', 'HEAD'));
  routes
    .route('/products/:id')
    .get(async (request, response) => {
      response.json(await findProduct(entities, request.params.id));
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}

/** @throws Problem 404 for what is not in the catalogue, or cannot be an id. */
export async function findProduct(entities: EntityStore, text: string) {
  const id = Id.safeParse(text);
  const product = id.success
    ? await entities.query((manager) => manager.findOneBy(ProductEntity, { product_id: id.data }))
    : null;
  if (!product) throw new Problem(404, { kind: 'unknown-product', detail: 'There is no such product.' });
  return product;
}
