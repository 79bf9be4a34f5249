import type { CarrierAnswer, Inputs } from '../domain';

/**
 * The carrier, as effects use it. Each method resolves only with a definite answer. Whatever leaves open what happened
 * there rejects, and is to be called again with the same key: it never means "refused".
 */
export interface Carrier {
  /** Hands an order's goods over. */
  dispatch(parcel: Inputs['carrier.dispatch'], call: Call): Promise<CarrierAnswer>;
  /**
   * Has the carrier leave an order's goods where they are. `refused`: it has not taken them, and refuses whoever asks it to take
   * them from now on, under whatever key. `dispatched`: it took them before.
   */
  recall(order: Inputs['carrier.recall'], call: Call): Promise<CarrierAnswer>;
}

export interface Call {
  /** What the carrier recognises a repeated call by. */
  idempotencyKey: string;
  signal: AbortSignal;
}
