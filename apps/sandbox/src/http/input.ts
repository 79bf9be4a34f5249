import type { Request } from 'express';
import { z } from 'zod';
import { Problem } from './problem';

/** The id of an order: what the ledger is read back by. */
export const OrderId = z.string().regex(/^[A-Za-z0-9._~-]{1,128}$/);

/** The body of the request as the schema has it. Throws a 415 or 400 problem. */
export function readBody<S extends z.ZodType>(schema: S, request: Request): z.infer<S> {
  if (!request.is('json')) throw new Problem(415, 'The body must be JSON, with content-type application/json.');
  return check(schema, request.body);
}

/** The `order_id` of the query string. Throws a 400 problem. */
export function readOrderId(request: Request): string {
  return check(z.object({ order_id: OrderId }), request.query).order_id;
}

/** The key by which a repeated call is recognised. Throws a 400 problem. */
export function readIdempotencyKey(request: Request): string {
  const key = request.get('idempotency-key');
  if (!key || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem(400, 'The header Idempotency-Key must have 1 to 255 visible ASCII characters.');
  }
  return key;
}

function check<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Problem(400, z.prettifyError(result.error));
  return result.data;
}
