import type { CancelReason, OrderBody } from '@order-events/contracts';
import type { Decision } from '@order-events/messaging';
import type { HistoryLine, Order, OrderTables } from './tables';

/** What made an order change, for its history. */
export type Cause = Pick<HistoryLine, 'event' | 'detail'>;

/** The order stays in its status, with something more known of it. */
export function note(order: Order, change: Partial<Order>, cause: Cause): Decision<OrderTables> {
  return written(next(order, change), cause);
}

export function confirm(order: Order, change: Partial<Order>, cause: Cause): Decision<OrderTables> {
  const confirmed = next(order, { ...change, status: 'confirmed', deadline: null });
  return {
    ...written(confirmed, cause),
    events: [{ type: 'order.confirmed', ...about(confirmed), data: bodyOf(confirmed) }],
  };
}

export function pay(order: Order, cause: Cause): Decision<OrderTables> {
  const paid = next(order, { payment: 'captured', status: 'paid', deadline: null });
  return { ...written(paid, cause), events: [{ type: 'order.paid', ...about(paid), data: bodyOf(paid) }] };
}

export function complete(
  order: Order,
  shipment: { carrier: string; tracking_number: string },
  cause: Cause,
): Decision<OrderTables> {
  const completed = next(order, { ...shipment, status: 'completed', deadline: null });
  return {
    ...written(completed, cause),
    events: [{ type: 'order.completed', ...about(completed), data: { ...bodyOf(completed), ...shipment } }],
  };
}

/** Asks for the goods of a paid order to be kept. It stays paid until logistics has said what has become of them. */
export function recall(order: Order): Decision<OrderTables> {
  const recalled = next(order, { recalled: true });
  return {
    ...written(recalled, { event: 'order.recalled', detail: {} }),
    events: [{ type: 'order.recalled', ...about(recalled), data: bodyOf(recalled) }],
  };
}

export function cancel(order: Order, reason: CancelReason, cause: Cause): Decision<OrderTables> {
  const cancelled = next(order, { cancel_reason: reason, status: 'cancelled', deadline: null });
  return {
    ...written(cancelled, cause),
    events: [{ type: 'order.cancelled', ...about(cancelled), data: { ...bodyOf(cancelled), reason } }],
  };
}

/** What an event says of whom, and of which version. */
export function about({ order_id, version }: Order): { subject: string; sequence: number } {
  return { subject: order_id, sequence: version };
}

/** The order as its events carry it. */
export function bodyOf(order: Order): OrderBody {
  const { order_id, user_id, items, total, currency, email, shipping_address, payment_token, placed_at } = order;
  return {
    order_id,
    user_id,
    product_ids: [...new Set(items.map(({ product_id }) => product_id))],
    timestamp: placed_at,
    items,
    total,
    currency,
    ...(email !== null && { email }),
    ...(shipping_address !== null && { shipping_address }),
    ...(payment_token !== null && { payment_token }),
  };
}

/** Its money has not been taken, as far as order-api knows. */
export function isRevocable({ status }: Order): boolean {
  return status === 'pending' || status === 'confirmed';
}

export function historyOf({ order_id, version, status }: Order, cause: Cause): HistoryLine {
  return { order_id, version, ...cause, status };
}

function next(order: Order, change: Partial<Order>): Order {
  const changed = { ...order, ...change, version: order.version + 1 };
  // Kept only as long as payment may still have to ask for the money.
  return isRevocable(changed) ? changed : { ...changed, payment_token: null };
}

function written(order: Order, cause: Cause): Decision<OrderTables> {
  return { rows: { orders: [order], order_history: [historyOf(order, cause)] } };
}
