import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { assertReadable, type Bare, type LogRecord, type Message } from '@order-events/messaging';
import type { Wish } from '../door/request';
import { MOST_LINES } from '../http/order-input';

/** 9999-12-31T23:59:59Z. Whoever counts in milliseconds is beyond it. */
const LATEST = 253_402_300_799;

/** The order as programs of other teams write and read it. What else stands there is theirs. */
const BareOrder = z.object({
  // As a step of a path these mean another place.
  order_id: Id.refine((id) => id !== '.' && id !== '..', 'must not be . or ..'),
  user_id: Id,
  /** One each for each mention. */
  product_ids: z.array(Id).min(1).max(MOST_LINES),
  timestamp: z.int().min(0).max(LATEST, 'must be Unix seconds'),
});

export interface ForeignOrder {
  order_id: string;
  wish: Wish;
  /** Unix seconds, when it was ordered. */
  timestamp: number;
  /** The same for bodies that say the same. */
  fingerprint: string;
}

/** @returns the order of that body, or what is wrong with it */
export function readBareOrder({ headers, body }: Pick<Message, 'headers' | 'body'>): ForeignOrder | string {
  if (body.byteLength === 0) return 'the body is empty';
  try {
    assertReadable({ headers, body });
  } catch (error) {
    return (error as Error).message;
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    return `the body is not JSON: ${(error as Error).message}`;
  }
  const result = BareOrder.safeParse(json);
  if (!result.success) return `not an order: ${z.prettifyError(result.error)}`;
  const { order_id, user_id, product_ids, timestamp } = result.data;
  const quantities = new Map<string, number>();
  for (const id of product_ids) quantities.set(id, (quantities.get(id) ?? 0) + 1);
  const items = [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
  const said = JSON.stringify([user_id, product_ids, timestamp]);
  const fingerprint = createHash('sha256').update(said).digest('hex');
  return { order_id, wish: { user_id, items }, timestamp, fingerprint };
}

/** Of an `order.created` in the outbox what programs of other teams read. */
export function bareOrderOf({ key, body }: Pick<LogRecord, 'key' | 'body'>): Bare {
  const { order_id, user_id, product_ids, timestamp } = JSON.parse(Buffer.from(body).toString()) as Record<
    string,
    unknown
  >;
  return { key, body: Buffer.from(JSON.stringify({ order_id, user_id, product_ids, timestamp })) };
}
