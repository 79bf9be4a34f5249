import type { Table, Tables } from '@order-events/messaging';

/**
 * How far the money of an order has come. The states in -ing have an effect open, and only its answer ends them; all
 * others are facts. `none`: nothing is known of it yet. `unused`: the gateway has nothing of the cancelled order's.
 */
export type PaymentState =
  | 'none'
  | 'authorizing'
  | 'authorized'
  | 'declined'
  | 'capturing'
  | 'captured'
  | 'capture_failed'
  | 'reversing'
  | 'unused'
  | 'voided'
  | 'refunded';

export type Payment = {
  order_id: string;
  version: number;
  state: PaymentState;
  /** The order is cancelled: from now on money only goes back. Without an authorisation it is a tombstone. */
  cancelled: boolean;
  /** The order is confirmed. */
  capture_wanted: boolean;
  /** Minor units. */
  amount: number;
  currency: string;
  authorization_id: string | null;
  capture_id: string | null;
  refund_id: string | null;
  /** Why it was declined, or could not be captured. */
  reason: string | null;
};

export function blankPayment(order_id: string): Payment {
  return {
    order_id,
    version: 0,
    state: 'none',
    cancelled: false,
    capture_wanted: false,
    amount: 0,
    currency: '',
    authorization_id: null,
    capture_id: null,
    refund_id: null,
    reason: null,
  };
}

const payments: Table<Payment> = {
  name: 'payments',
  key: 'order_id',
  columns: {
    order_id: 'text',
    version: 'integer',
    state: 'text',
    cancelled: 'boolean',
    capture_wanted: 'boolean',
    amount: 'bigint',
    currency: 'text',
    authorization_id: 'text',
    capture_id: 'text',
    refund_id: 'text',
    reason: 'text',
  },
  rows: 'made',
  blank: blankPayment,
};

export const tables = { payments } satisfies Tables;
export type PaymentTables = typeof tables;

/** A column that the row's state promises to be filled. */
export function known(value: string | null): string {
  if (value === null) throw new Error('a payment lacks what its state promises');
  return value;
}
