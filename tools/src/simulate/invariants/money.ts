import type { Order } from '../workspace';
import type { Invariant, Sight } from './invariant';

/** A completed order has cost its total, once; a cancelled one nothing, and nothing stays reserved on the card. */
export function money({ databases, outside, report }: Sight): Invariant {
  return {
    end() {
      const payments = databases.payment.database.table<{ state: string }>('payments');
      for (const { order_id, status, total } of databases['order-api'].database.table<Order>('orders').values()) {
        const { charged, held } = outside.of(order_id);
        const wanted = status === 'completed' ? total : 0;
        if (charged !== wanted) report(`${order_id} is ${status}, costs ${total} and is charged ${charged}`);
        if (held !== 0) report(`${order_id} is ${status} and still has ${held} authorisations`);
        const state = payments.get(order_id)?.state ?? 'none';
        const rests = status === 'completed' ? ['captured'] : ['none', 'unused', 'declined', 'voided', 'refunded'];
        if (!rests.includes(state)) report(`${order_id} is ${status} and its payment ${state}`);
      }
    },
  };
}
