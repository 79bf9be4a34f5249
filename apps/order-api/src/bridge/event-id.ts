import { createHash } from 'node:crypto';
import { uuidOf } from '@order-events/messaging';

/** What our ids of foreign orders are named within; drawn once, for ever. */
const NAMESPACE = Buffer.from('6f1c2b0e8d3a4c57a9e04b7d15f2c683', 'hex');

/** The event id of an order that came from elsewhere: the UUIDv5 of source and order id, neither of which has blanks. */
export function foreignEventId(source: string, orderId: string): string {
  return uuidOf(createHash('sha1').update(NAMESPACE).update(`${source} ${orderId}`).digest(), 5);
}
