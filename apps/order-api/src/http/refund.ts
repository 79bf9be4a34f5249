import { Problem } from '@order-events/service-kit';
import { recording, type ByHand, type PostgresStore } from '@order-events/store';
import { refundForOperator, tables, type Order, type OrderStatus } from '../domain';
import { apply } from '../store/apply';
import { despiteContention } from '../store/contention';

const NOT_PAID = 'Nothing is paid yet: a cancel gives it up.';
const refusals: Partial<Record<OrderStatus, string>> = {
  pending: NOT_PAID,
  confirmed: NOT_PAID,
  completed: 'Its goods have left, and what is sent back is not known here.',
};

/**
 * Has the money of a paid order go back, if logistics can still keep its goods; on record, in the same transaction.
 * @returns the order as it is then; undefined when there is none.
 * @throws Problem 409 when it is neither paid nor cancelled.
 */
export function refundOrder(
  store: Pick<PostgresStore, 'transact'>,
  orderId: string,
  by: ByHand,
  traceparent: string,
): Promise<Order | undefined> {
  return despiteContention(() =>
    store.transact(async (tx, session) => {
      const order = (await tx.lock(tables, { orders: [orderId] })).orders.get(orderId);
      if (!order) return undefined;
      const outcome = refundForOperator(order);
      if (!outcome.accepted) {
        const detail = `The order is ${order.status}. ${refusals[order.status]}`;
        throw new Problem(409, { kind: 'not-refundable', detail });
      }
      const [refunded] = outcome.decision.rows?.orders ?? [];
      if (!refunded) return order;
      await session.query(...recording('refund', 'order-api', by, { order_id: orderId }));
      await apply(tx, [outcome.decision], () => traceparent);
      return refunded;
    }),
  );
}
