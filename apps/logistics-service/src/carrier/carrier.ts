import type { DispatchAnswer, DispatchInput } from '../domain';

/**
 * The carrier, as effects use it. `dispatch` resolves only with a definite answer. Whatever leaves open what happened
 * there rejects, and is to be called again with the same key: it never means "refused".
 */
export interface Carrier {
  dispatch(parcel: DispatchInput, call: Call): Promise<DispatchAnswer>;
}

export interface Call {
  /** What the carrier recognises a repeated call by. */
  idempotencyKey: string;
  signal: AbortSignal;
}
