import type { OrderBody } from '@order-events/contracts';
import { orderBody } from '@order-events/testing';

/** An order of two apples, in two items, and a pear. */
export function basket(order_id: string): OrderBody {
  return orderBody(order_id, {
    product_ids: ['apple', 'pear'],
    items: [
      { product_id: 'apple', quantity: 1, unit_price: 100 },
      { product_id: 'pear', quantity: 1, unit_price: 50 },
      { product_id: 'apple', quantity: 1, unit_price: 100 },
    ],
    total: 250,
  });
}
