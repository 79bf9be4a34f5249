import type { Request } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { Problem } from '@order-events/service-kit';

const AboutOrder = z.object({ order_id: Id });

/** The `order_id` of the query string. @throws ZodError */
export function readOrderId(request: Request): string {
  return AboutOrder.parse(request.query).order_id;
}

/** The key by which a repeated call is recognised. @throws Problem 400 */
export function readIdempotencyKey(request: Request): string {
  const key = request.get('idempotency-key');
  if (key && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const detail = 'The header Idempotency-Key must have 1 to 255 visible ASCII characters.';
  throw new Problem(400, { kind: 'invalid-idempotency-key', detail });
}
