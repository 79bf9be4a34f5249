import type { Address, Item } from '@order-events/contracts';
import type { NewEvent } from '@order-events/messaging';
import type { HistoryLine, Order } from './tables';
import { about, bodyOf, historyOf } from './transitions';

/** A valid request for an order, priced from the catalogue. */
export interface Placement {
  order_id: string;
  user_id: string;
  /** At least one; all prices in `currency`. */
  items: Item[];
  currency: string;
  email?: string;
  shipping_address?: Address;
  payment_token?: string;
}

/** What placing an order writes, all of it in one transaction. */
export interface Placed {
  order: Order;
  history: HistoryLine;
  event: NewEvent;
}

/** Places an order at `now`, Unix seconds. */
export function place(placement: Placement, now: number): Placed {
  const { order_id, user_id, items, currency, email, shipping_address, payment_token } = placement;
  const order: Order = {
    order_id,
    version: 1,
    status: 'pending',
    user_id,
    items,
    total: items.reduce((total, { quantity, unit_price }) => total + quantity * unit_price, 0),
    currency,
    email: email ?? null,
    shipping_address: shipping_address ?? null,
    payment_token: payment_token ?? null,
    placed_at: now,
    inventory: null,
    payment: null,
    recalled: false,
    cancel_reason: null,
    carrier: null,
    tracking_number: null,
    deadline: null,
  };
  return {
    order,
    history: historyOf(order, { event: 'order.created', detail: {} }),
    event: { type: 'order.created', ...about(order), data: bodyOf(order) },
  };
}
