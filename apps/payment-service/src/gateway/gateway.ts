import type { Answers, Inputs } from '../domain';

/**
 * The payment gateway, as effects use it. Every method resolves only with a definite answer. Whatever leaves open what
 * happened there rejects, and is to be called again with the same key: it never means "failed".
 */
export interface Gateway {
  /** Reserves an amount, in minor units, on the card behind the token. */
  authorize(input: Inputs['gateway.authorize'], call: Call): Promise<Answers['gateway.authorize']>;
  /** Takes a reserved amount, or less of it. */
  capture(input: Inputs['gateway.capture'], call: Call): Promise<Answers['gateway.capture']>;
  /**
   * Gives everything back that it has of an order's money: what is reserved is voided, what was captured refunded. Says what
   * has become of it, also when that was done before. `nothing` is no answer about an order that it has authorised. Gateways call it reversal, or cancel by the merchant's reference.
   */
  reverse(input: Inputs['gateway.reverse'], call: Call): Promise<Answers['gateway.reverse']>;
}

export interface Call {
  /** What the gateway recognises a repeated call by. */
  idempotencyKey: string;
  signal: AbortSignal;
}
