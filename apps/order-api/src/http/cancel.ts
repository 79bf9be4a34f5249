import { Problem } from '@order-events/service-kit';
import type { PostgresStore } from '@order-events/store';
import { cancelForCustomer, tables, type Order } from '../domain';
import { apply } from '../store/apply';
import { despiteContention } from '../store/contention';

/**
 * Cancels an order under its lock: against a capture that comes at the same time, whoever locks it first wins.
 * @returns the order as it is then, cancelled; undefined when there is none.
 * @throws Problem 409 when it is paid.
 */
export function cancelOrder(
  store: Pick<PostgresStore, 'transact'>,
  orderId: string,
  traceparent: string,
): Promise<Order | undefined> {
  return despiteContention(() =>
    store.transact(async (tx) => {
      const order = (await tx.lock(tables, { orders: [orderId] })).orders.get(orderId);
      if (!order) return undefined;
      const outcome = cancelForCustomer(order);
      if (!outcome.accepted)
        throw new Problem(409, {
          kind: 'too-late',
          detail: `The order is ${order.status}: it cannot be cancelled now.`,
        });
      await apply(tx, [outcome.decision], () => traceparent);
      return outcome.decision.rows?.orders?.[0] ?? order;
    }),
  );
}
