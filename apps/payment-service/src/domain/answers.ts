import type { EffectHandler } from '@order-events/messaging';
import type { Answers, EffectKind, Inputs } from './effects';
import { settle } from './settle';
import { blankPayment, type Payment, type PaymentState, type PaymentTables } from './tables';

/** An effect's handler but for the call. */
export type AnswerHandler<K extends EffectKind = EffectKind> = Omit<
  EffectHandler<PaymentTables, Inputs[K], Answers[K]>,
  'call'
>;

export const authorizeAnswered = onAnswer('gateway.authorize', 'authorizing', (answer) =>
  answer.outcome === 'authorized'
    ? { state: 'authorized', authorization_id: answer.authorization_id }
    : { state: 'declined', reason: answer.reason },
);

export const captureAnswered = onAnswer('gateway.capture', 'capturing', (answer) =>
  answer.outcome === 'captured'
    ? { state: 'captured', capture_id: answer.capture_id }
    : { state: 'capture_failed', reason: answer.reason },
);

export const reverseAnswered = onAnswer('gateway.reverse', 'reversing', (answer) => {
  switch (answer.outcome) {
    case 'nothing':
      return { state: 'unused' };
    case 'voided':
      return { state: 'voided' };
    case 'refunded':
      return { state: 'refunded', refund_id: answer.refund_id };
  }
});

/** An answer is a fact of the payment that waits for it, and of no other. */
function onAnswer<K extends EffectKind>(
  kind: K,
  waiting: PaymentState,
  factsOf: (answer: Answers[K]) => Partial<Payment>,
): AnswerHandler<K> {
  return {
    kind,
    keys: ({ order_id }) => ({ payments: [order_id] }),
    decide({ payments }, { order_id }, answer) {
      const payment = payments.get(order_id) ?? blankPayment(order_id);
      return payment.state === waiting ? settle(payment, factsOf(answer)) : {};
    },
  };
}
