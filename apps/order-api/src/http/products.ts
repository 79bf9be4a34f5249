import { Router } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { onlyMethods, Problem } from '@order-events/service-kit';
import type { Queryable } from '@order-events/store';
import type { Product } from '../store/entities';
import { pageOf, paging, placeFrom } from './paging';

const ProductQuery = z.strictObject(paging);

const LIST = `
  SELECT product_id, name, price, currency FROM products
  WHERE $1::text IS NULL OR product_id > $1 ORDER BY product_id LIMIT $2`;
const FIND = 'SELECT product_id, name, price, currency FROM products WHERE product_id = $1';

/** The catalogue. */
export function productRoutes(database: Queryable): Router {
  const routes = Router();
  routes
    .route('/products')
    .get(async (request, response) => {
      const { cursor, limit } = ProductQuery.parse(request.query);
      const after = cursor === undefined ? null : placeFrom(cursor, Id);
      const rows = await database.query<Product>(LIST, [after, limit + 1]);
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
      const id = Id.safeParse(request.params.id);
      const [product] = id.success ? await database.query<Product>(FIND, [id.data]) : [];
      if (!product) throw new Problem(404, { kind: 'unknown-product', detail: 'There is no such product.' });
      response.json(product);
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
