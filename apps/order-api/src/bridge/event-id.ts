import { createHash } from 'node:crypto';

/** What our ids of foreign orders are named within; drawn once, for ever. */
const NAMESPACE = Buffer.from('6f1c2b0e8d3a4c57a9e04b7d15f2c683', 'hex');

/** The event id of an order that came from elsewhere: the UUIDv5 of source and order id, neither of which has blanks. */
export function foreignEventId(source: string, orderId: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(`${source} ${orderId}`).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
