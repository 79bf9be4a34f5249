import { z } from 'zod';

/** Ids of orders, users and products: safe in URLs, subjects and keys of every broker. */
export const Id = z.string().regex(/^[A-Za-z0-9._~-]{1,128}$/, 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -');

/** An amount in minor units (cents), never a fraction. */
export const Money = z.int().min(0);

export const Currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code');

export const Item = z.object({ product_id: Id, quantity: z.int().min(1), unit_price: Money });
export type Item = z.infer<typeof Item>;

export const Address = z.object({
  name: z.string().optional(),
  street: z.string(),
  postal_code: z.string().optional(),
  city: z.string(),
  country: z.string().optional(),
});
export type Address = z.infer<typeof Address>;

/**
 * What every `order.*` event carries: all that any consumer needs, so that no handler depends on an event that came
 * before. `product_ids` (distinct, in the order of the items) and `timestamp` (Unix seconds, when the order was placed)
 * are there for consumers that read only the bare form of the message.
 */
export const OrderBody = z.object({
  order_id: Id,
  user_id: Id,
  product_ids: z.array(Id),
  timestamp: z.int(),
  items: z.array(Item).min(1),
  total: Money,
  currency: Currency,
  email: z.string().optional(),
  shipping_address: Address.optional(),
  payment_token: z.string().optional(),
});
export type OrderBody = z.infer<typeof OrderBody>;
