import { encode, systemRuntime, type OutboxEntry, type Table } from '@order-events/messaging';
import { orderBody } from '@order-events/testing';

export interface OrderRow {
  order_id: string;
  version: number;
  state: string;
}

/** One small row an order, as each service keeps. */
export const ordersTable: Table<OrderRow> = {
  name: 'bench_orders',
  key: 'order_id',
  columns: { order_id: 'text', version: 'integer', state: 'text' },
  rows: 'made',
  blank: (order_id) => ({ order_id, version: 0, state: 'none' }),
};
export const tables = { orders: ordersTable };

/** The events of so many new orders. */
export function created(count: number): OutboxEntry[] {
  return Array.from({ length: count }, () => {
    const id = systemRuntime.eventId();
    const event = { type: 'order.created' as const, subject: id, sequence: 1, data: orderBody(id) };
    return encode(event, systemRuntime.eventId(), { source: '/bench' });
  });
}
