import type { Placement } from '../domain';

/** A valid request for an order, not priced yet; each product once. */
export type Wish = Omit<Placement, 'order_id' | 'currency' | 'items'> & {
  items: readonly { product_id: string; quantity: number }[];
};

/** By what a repeated request is recognised. */
export interface Claim {
  /** Keys of different callers have nothing to do with each other. */
  caller: string;
  key: string;
  /** Of the wish, to tell a repeated request from another one with the same key. */
  fingerprint: string;
}

export interface PlaceRequest {
  /** The order's, if this request places one. */
  order_id: string;
  wish: Wish;
  claim?: Claim;
  traceparent: string;
}

/** How a placed order is answered; the same for each repeat of its request. */
export interface Reply {
  order_id: string;
  status: number;
  /** JSON. */
  body: string;
  /** An earlier request has placed the order. */
  replayed: boolean;
}

/** What became of a request. An error says why there is no order, or that it is not known whether there is one. */
export type Outcome = Reply | Error;
