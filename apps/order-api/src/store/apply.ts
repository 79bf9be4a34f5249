import {
  encode,
  systemRuntime,
  type Decision,
  type NewEvent,
  type OutboxEntry,
  type Tx,
} from '@order-events/messaging';
import { tables, type OrderTables } from '../domain';

/** An event of ours, ready for the outbox. */
export function encoded(event: NewEvent, traceparent: string, maxEventBytes?: number): OutboxEntry {
  return encode(event, systemRuntime.eventId(), { source: '/order-api', traceparent, maxEventBytes });
}

/** Writes what was decided about orders that this transaction has locked. */
export async function apply(
  tx: Tx,
  decisions: readonly Decision<OrderTables>[],
  traceparentOf: (event: NewEvent) => string,
): Promise<void> {
  await tx.write(tables, {
    orders: decisions.flatMap(({ rows }) => rows?.orders ?? []),
    order_history: decisions.flatMap(({ rows }) => rows?.order_history ?? []),
  });
  const events = decisions.flatMap(({ events = [] }) => events);
  await tx.append(events.map((event) => encoded(event, traceparentOf(event))));
}
