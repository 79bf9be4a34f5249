import { Router } from 'express';
import { z } from 'zod';
import { Currency, Id, Money } from '@order-events/contracts';
import { Problem } from '@order-events/service-kit';
import type { PostgresStore } from '@order-events/store';
import type { Product } from '../store/entities';
import { findOrder, overdueOrders } from '../store/orders';
import { Text } from './order-input';
import { noSuchOrder, orderIdOf } from './orders';

const ProductInput = z.strictObject({ name: Text(200), price: Money, currency: Currency });

const PUT_PRODUCT = `
  INSERT INTO products (product_id, name, price, currency) VALUES ($1, $2, $3, $4)
  ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency
  RETURNING product_id, name, price, currency`;
const MOST_OVERDUE = 1_000;

/** The operator's view of orders, and the catalogue to be changed. */
export function operatorRoutes({ database }: Pick<PostgresStore, 'database'>): Router {
  const routes = Router();
  routes.put('/products/:id', async (request, response) => {
    const id = Id.safeParse(request.params.id);
    if (!id.success) throw new Problem(404, { kind: 'not-found', detail: 'No product can have this id.' });
    const { name, price, currency } = ProductInput.parse(request.body);
    const [product] = await database.query<Product>(PUT_PRODUCT, [id.data, name, price, currency]);
    response.json(product);
  });
  routes.get('/orders/:id', async (request, response) => {
    const order = await findOrder(database, orderIdOf(request));
    if (!order) throw noSuchOrder();
    response.json({ ...order, payment_token: order.payment_token === null ? null : '[redacted]' });
  });
  routes.get('/overdue', async (_request, response) => {
    response.json({ items: await overdueOrders(database, MOST_OVERDUE) });
  });
  return routes;
}
