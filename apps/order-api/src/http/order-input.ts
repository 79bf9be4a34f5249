import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { Text } from '@order-events/service-kit';
import type { Wish } from '../door/request';

export const MOST_LINES = 1_000;
const MOST_OF_ONE = 10_000;

const Quantity = z.int().min(1).max(MOST_OF_ONE);

const Address = z.strictObject({
  name: Text(200).optional(),
  street: Text(200),
  postal_code: Text(20).optional(),
  city: Text(200),
  country: Text(100).optional(),
});

/** The body of `POST /orders`: what is wanted, as `items`, as `product_ids` (one for each mention), or as both. */
export const OrderInput = z
  .strictObject({
    user_id: Id,
    items: z
      .array(z.strictObject({ product_id: Id, quantity: Quantity }))
      .max(MOST_LINES)
      .default([]),
    product_ids: z.array(Id).max(MOST_LINES).default([]),
    email: z.email().max(254).optional(),
    shipping_address: Address.optional(),
    payment_token: z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
      .optional(),
  })
  .transform(({ items, product_ids, ...rest }, context): Wish => {
    const issue = (path: string, message: string) =>
      context.issues.push({ code: 'custom', input: items, path: [path], message });
    const count = items.length + product_ids.length;
    if (count === 0) issue('items', 'must name at least one product');
    if (count > MOST_LINES) issue('product_ids', `must not make more than ${MOST_LINES} together with items`);
    const quantities = new Map<string, number>();
    for (const { product_id, quantity } of [...items, ...product_ids.map((id) => ({ product_id: id, quantity: 1 }))])
      quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
    for (const [product_id, quantity] of quantities)
      if (quantity > MOST_OF_ONE) issue('items', `must not add up to more than ${MOST_OF_ONE} of ${product_id}`);
    return { ...rest, items: [...quantities].map(([product_id, quantity]) => ({ product_id, quantity })) };
  });
