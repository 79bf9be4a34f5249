import type { Address, CancelReason, Item, Topic } from '@order-events/contracts';
import type { Table, Tables } from '@order-events/messaging';

export type OrderStatus = 'pending' | 'confirmed' | 'paid' | 'completed' | 'cancelled';

export type Order = {
  order_id: string;
  version: number;
  status: OrderStatus;
  user_id: string;
  items: Item[];
  /** Minor units. */
  total: number;
  currency: string;
  email: string | null;
  shipping_address: Address | null;
  payment_token: string | null;
  /** Unix seconds. */
  placed_at: number;
  /** What inventory has answered; a no ends the order. */
  inventory: null | 'reserved';
  /** What payment has answered last; of a cancelled order, what has become of its money. */
  payment: null | 'authorized' | 'captured' | 'voided' | 'refunded';
  /** An operator wants its money to go back, and logistics was asked to keep the goods. */
  recalled: boolean;
  cancel_reason: CancelReason | null;
  carrier: string | null;
  tracking_number: string | null;
  /** When its status must have changed, seconds of the deadline clock. null: its time does not run yet, or no more. */
  deadline: number | null;
};

/** One line for each version of an order: what happened, and the status from then on. The database adds the time. */
export type HistoryLine = {
  order_id: string;
  version: number;
  event: Topic;
  status: OrderStatus;
  /** What the event told, but for the order id. */
  detail: object;
};

const orders: Table<Order> = {
  name: 'orders',
  key: 'order_id',
  columns: {
    order_id: 'text',
    version: 'integer',
    status: 'text',
    user_id: 'text',
    items: 'json',
    total: 'bigint',
    currency: 'text',
    email: 'text',
    shipping_address: 'json',
    payment_token: 'text',
    placed_at: 'bigint',
    inventory: 'text',
    payment: 'text',
    recalled: 'boolean',
    cancel_reason: 'text',
    carrier: 'text',
    tracking_number: 'text',
    deadline: 'bigint',
  },
  rows: 'found',
};

const order_history: Table<HistoryLine> = {
  name: 'order_history',
  key: 'order_id',
  columns: { order_id: 'text', version: 'integer', event: 'text', status: 'text', detail: 'json' },
  rows: 'appended',
};

export const tables = { orders, order_history } satisfies Tables;
export type OrderTables = typeof tables;
