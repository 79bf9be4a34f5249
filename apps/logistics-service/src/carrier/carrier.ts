import type { OrderBody } from '@order-events/contracts';

/**
 * The carrier, as effects use it. `dispatch` resolves only with a definite answer. Whatever leaves open what happened
 * there rejects, and is to be called again with the same key: it never means "refused".
 */
export interface Carrier {
  dispatch(parcel: Parcel, call: Call): Promise<Dispatched | Refused>;
}

export interface Call {
  /** What the carrier recognises a repeated call by. */
  idempotencyKey: string;
  signal: AbortSignal;
}

export interface Parcel {
  order_id: string;
  address?: OrderBody['shipping_address'];
  items: readonly { product_id: string; quantity: number }[];
}

export interface Dispatched {
  outcome: 'dispatched';
  carrier: string;
  tracking_number: string;
}
export interface Refused {
  outcome: 'refused';
  reason: string;
}
