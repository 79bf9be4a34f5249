import { Router } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { Problem, type EventService } from '@order-events/service-kit';
import type { InventoryTables } from '../domain';

const Delivery = z.strictObject({ add: z.int().min(1).max(1_000_000_000) });

const LIST = 'SELECT product_id, available, reserved, sold FROM stock ORDER BY product_id';
const ADD = `
  INSERT INTO stock (product_id, available) VALUES ($1, $2)
  ON CONFLICT (product_id) DO UPDATE SET available = stock.available + excluded.available, version = stock.version + 1
  RETURNING product_id, available, reserved, sold`;

/** The operator's view of the stock, and the goods that come in. */
export function stockRoutes({ store }: EventService<InventoryTables>): Router {
  const routes = Router();
  routes.get('/stock', async (_request, response) => {
    response.json({ items: await store.database.query(LIST) });
  });
  routes.post('/stock/:id', async (request, response) => {
    const id = Id.safeParse(request.params.id);
    if (!id.success) throw new Problem(404, { kind: 'not-found', detail: 'There is no such product id.' });
    const { add } = Delivery.parse(request.body);
    const [stock] = await store.database.query(ADD, [id.data, add]);
    response.json(stock);
  });
  return routes;
}
