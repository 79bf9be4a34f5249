/** A reserved amount and what became of it. */
export interface Authorization {
  authorization_id: string;
  order_id: string;
  /** Minor units, like all amounts here. */
  amount: number;
  currency: string;
  token: string;
  state: 'authorized' | 'captured' | 'voided';
  capture_id: string | null;
  captured: number;
  refunded: number;
}

export type Ruling =
  | {
      outcome: 'done';
      authorization: Authorization;
      answer: Record<string, string>;
      /** The caller does not hear of it at the first time. */
      unheard?: boolean;
    }
  /** The card's bank says no: a definite answer. */
  | { outcome: 'refused'; reason: string }
  /** The request cannot be meant seriously. */
  | { outcome: 'senseless'; detail: string };

interface Token {
  /** Why the bank refuses to authorise. */
  authorize?: string;
  /** Why the bank refuses to capture. */
  capture?: string;
  /** Both are carried out, but the first call of each is left without an answer. */
  losesAnswers?: boolean;
}

const tokens: ReadonlyMap<string, Token> = new Map<string, Token>([
  ['tok_ok', {}],
  ['tok_declined', { authorize: 'card_declined' }],
  ['tok_capture_fails', { capture: 'capture_failed' }],
  ['tok_timeout_but_charged', { losesAnswers: true }],
]);

export function authorize(
  input: Pick<Authorization, 'order_id' | 'amount' | 'currency' | 'token'>,
  authorization_id: string,
): Ruling {
  const token = tokens.get(input.token);
  if (!token) return { outcome: 'refused', reason: 'invalid_token' };
  if (token.authorize) return { outcome: 'refused', reason: token.authorize };
  return {
    outcome: 'done',
    authorization: { ...input, authorization_id, state: 'authorized', capture_id: null, captured: 0, refunded: 0 },
    answer: { authorization_id },
    unheard: token.losesAnswers,
  };
}

export function capture(authorization: Authorization, amount: number, capture_id: string): Ruling {
  if (authorization.state === 'voided') return { outcome: 'refused', reason: 'authorization_voided' };
  if (authorization.state === 'captured') return inWrongState(authorization);
  if (amount > authorization.amount) return tooMuch(amount, authorization.amount);
  const token = tokens.get(authorization.token);
  if (token?.capture) return { outcome: 'refused', reason: token.capture };
  return {
    outcome: 'done',
    authorization: { ...authorization, state: 'captured', capture_id, captured: amount },
    answer: { capture_id },
    unheard: token?.losesAnswers,
  };
}

/**
 * What becomes of an order's authorizations when its money is to go back: an open one is voided, a captured one refunded, and
 * what was reversed before stays as it is. The answer tells of the most that was done, now or then.
 */
export function reverse(authorizations: readonly Authorization[]): {
  authorizations: Authorization[];
  /** What was taken and goes back now. */
  refunded: number;
  answer: Record<string, string>;
} {
  const capture_id = authorizations.find(({ capture_id }) => capture_id !== null)?.capture_id;
  const outcome = capture_id ? 'refunded' : authorizations.length > 0 ? 'voided' : 'nothing';
  return {
    authorizations: authorizations.map((it) =>
      it.state === 'captured' ? { ...it, refunded: it.captured } : { ...it, state: 'voided' },
    ),
    refunded: authorizations.reduce((sum, { captured, refunded }) => sum + captured - refunded, 0),
    answer: { outcome, ...(capture_id && { refund_id: capture_id.replace(/^cap_/, 'ref_') }) },
  };
}

function inWrongState({ authorization_id, state }: Authorization): Ruling {
  return { outcome: 'senseless', detail: `The authorization ${authorization_id} is ${state}.` };
}

function tooMuch(amount: number, left: number): Ruling {
  return { outcome: 'senseless', detail: `The amount ${amount} is more than the ${left} that there is.` };
}
