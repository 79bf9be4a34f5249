import type { CancelReason } from '@order-events/contracts';
import type { Decision } from '@order-events/messaging';
import type { Order, OrderTables } from './tables';
import { cancel, isRevocable, recall } from './transitions';

export type CancelOutcome = { accepted: true; decision: Decision<OrderTables> } | { accepted: false };

/** Cancels an order for its customer. A second cancel is accepted like the first; a paid order is beyond recall. */
export function cancelForCustomer(order: Order): CancelOutcome {
  if (order.status === 'cancelled') return { accepted: true, decision: {} };
  return isRevocable(order) ? { accepted: true, decision: cancelFor(order, 'customer_request') } : { accepted: false };
}

/**
 * Gives the money of a paid order back, for an operator, if its goods can still be kept. Only logistics knows that: it is
 * asked, once, and a shipment that it gives up cancels the order, which refunds it.
 */
export function refundForOperator(order: Order): CancelOutcome {
  if (order.status === 'cancelled') return { accepted: true, decision: {} };
  if (order.status !== 'paid') return { accepted: false };
  return { accepted: true, decision: order.recalled ? {} : recall(order) };
}

/**
 * Cancels an order whose deadline has passed on the deadline clock, `now` in its seconds. Asked under the order's lock,
 * because it may have moved on since it was found. A paid order is the operator's to see to.
 */
export function expire(order: Order, now: number): Decision<OrderTables> {
  const isDue = order.deadline !== null && order.deadline <= now;
  return isDue && isRevocable(order) ? cancelFor(order, 'expired') : {};
}

function cancelFor(order: Order, reason: CancelReason): Decision<OrderTables> {
  return cancel(order, reason, { event: 'order.cancelled', detail: { reason } });
}
