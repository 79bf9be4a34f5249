import type { Order } from '../workspace';
import type { Invariant, Sight } from './invariant';

type Status = Order['status'];

const ways: Record<Status | 'none', readonly Status[]> = {
  none: ['pending'],
  pending: ['pending', 'confirmed', 'cancelled'],
  confirmed: ['confirmed', 'paid', 'cancelled'],
  paid: ['paid', 'completed', 'cancelled'],
  completed: ['completed'],
  cancelled: ['cancelled'],
};

/** Orders go their legal way, tell of each new status as they enter it, and come to an end. */
export function orders({ databases, scenarios, report }: Sight): Invariant {
  const known = new Map<string, Order>();
  return {
    committed({ service, rows, events }) {
      if (service !== 'order-api') return;
      for (const { table, row } of rows) {
        if (table !== 'orders') continue;
        const order = row as unknown as Order;
        const { order_id, status, cancel_reason } = order;
        const before = known.get(order_id)?.status ?? 'none';
        known.set(order_id, order);
        if (!ways[before].includes(status)) report(`${order_id} goes from ${before} to ${status}`);
        if (before === 'paid' && status === 'cancelled' && cancel_reason !== 'shipment_failed')
          report(`${order_id} was paid and is cancelled for ${cancel_reason}`);
        const topic = status === 'pending' ? 'order.created' : `order.${status}`;
        if (before !== status && !events.some((event) => event.topic === topic && event.key === order_id))
          report(`${order_id} is ${status}, and nobody is told`);
      }
    },
    end() {
      const orders = databases['order-api'].database.table<Order>('orders');
      for (const order_id of scenarios.keys()) {
        const status = orders.get(order_id)?.status ?? 'lost';
        if (status !== 'completed' && status !== 'cancelled') report(`${order_id} is ${status} at the end`);
      }
    },
  };
}
