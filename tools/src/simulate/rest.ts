import type { Service } from '@order-events/contracts';
import type { InboxEntry } from '@order-events/messaging';
import type { Broker } from './broker';
import { beyond, unverified } from './place';
import type { ClosedEffect, ServiceDatabase } from './store';
import type { Order } from './workspace';

/** The first thing that is still to be done, in words; undefined when nothing is. */
export function unrest(databases: Readonly<Record<Service, ServiceDatabase>>, broker: Broker): string | undefined {
  for (const { order_id, status } of databases['order-api'].database.table<Order>('orders').values())
    if (status !== 'completed' && status !== 'cancelled') return `${order_id} is ${status}`;
  if (broker.pending > 0) return 'the broker has messages';
  for (const { service, database } of Object.values(databases)) {
    if (beyond(database, database.cursor.place).length > 0) return `the outbox of ${service} is not published`;
    for (const { effect, open } of database.table<{ effect: ClosedEffect; open: boolean }>('effects').values())
      if (open) return `${effect.idempotencyKey} is open`;
    for (const { topic, key, state } of database.table<InboxEntry>('inbox').values())
      if (state === 'retrying') return `${service} retries ${topic} of ${key}`;
  }
  for (const { service, database } of Object.values(databases))
    for (const group of database.audits.keys()) {
      const [first] = unverified(database, group);
      if (first) return `${service} has not verified that ${group} holds ${first.topic} of ${first.key}`;
    }
  return undefined;
}
