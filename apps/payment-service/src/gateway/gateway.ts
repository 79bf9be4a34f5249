/**
 * The payment gateway, as effects use it. Every method resolves only with a definite answer. Whatever leaves open what
 * happened there rejects, and is to be called again with the same key: it never means "failed".
 */
export interface Gateway {
  /** Reserves an amount, in minor units, on the card behind the token. */
  authorize(order: Authorize, call: Call): Promise<Authorized | Declined>;
  /** Takes a reserved amount, or less of it. */
  capture(capture: Capture, call: Call): Promise<Captured | Failed>;
  /** Gives a reserved amount free. */
  void(authorization: Void, call: Call): Promise<Voided>;
  /** Gives a captured amount back, or a part of it. */
  refund(refund: Refund, call: Call): Promise<Refunded>;
}

export interface Call {
  /** What the gateway recognises a repeated call by. */
  idempotencyKey: string;
  signal: AbortSignal;
}

export interface Authorize {
  order_id: string;
  amount: number;
  currency: string;
  token: string;
}
export interface Capture {
  authorization_id: string;
  amount: number;
}
export interface Void {
  authorization_id: string;
}
export interface Refund {
  capture_id: string;
  amount: number;
}

export interface Authorized {
  outcome: 'authorized';
  authorization_id: string;
}
export interface Declined {
  outcome: 'declined';
  reason: string;
}
export interface Captured {
  outcome: 'captured';
  capture_id: string;
}
export interface Failed {
  outcome: 'failed';
  reason: string;
}
export interface Voided {
  outcome: 'voided';
}
export interface Refunded {
  outcome: 'refunded';
  refund_id: string;
}
