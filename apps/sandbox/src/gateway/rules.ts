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
  if (authorization.state !== 'authorized') return inWrongState(authorization);
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

export function voided(authorization: Authorization): Ruling {
  if (authorization.state !== 'authorized') return inWrongState(authorization);
  const { authorization_id } = authorization;
  return { outcome: 'done', authorization: { ...authorization, state: 'voided' }, answer: { authorization_id } };
}

export function refund(authorization: Authorization, amount: number, refund_id: string): Ruling {
  const left = authorization.captured - authorization.refunded;
  if (amount > left) return tooMuch(amount, left);
  const refunded = authorization.refunded + amount;
  return { outcome: 'done', authorization: { ...authorization, refunded }, answer: { refund_id } };
}

function inWrongState({ authorization_id, state }: Authorization): Ruling {
  return { outcome: 'senseless', detail: `The authorization ${authorization_id} is ${state}.` };
}

function tooMuch(amount: number, left: number): Ruling {
  return { outcome: 'senseless', detail: `The amount ${amount} is more than the ${left} that there is.` };
}
