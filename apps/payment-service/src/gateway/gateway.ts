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
  /** Gives a reserved amount free. */
  void(input: Inputs['gateway.void'], call: Call): Promise<Answers['gateway.void']>;
  /** Gives a captured amount back, or a part of it. */
  refund(input: Inputs['gateway.refund'], call: Call): Promise<Answers['gateway.refund']>;
}

export interface Call {
  /** What the gateway recognises a repeated call by. */
  idempotencyKey: string;
  signal: AbortSignal;
}
