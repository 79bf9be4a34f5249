import type { Decision, NewEffect, NewEvent } from '@order-events/messaging';
import { capture, reverse } from './effects';
import { known, type Payment, type PaymentState, type PaymentTables } from './tables';

/**
 * What follows from what is now known of a payment: the next call to the gateway, or a report. Events and answers only
 * write facts into the row and leave the rest to this, so what happens does not depend on which fact came first.
 */
export function settle(before: Payment, facts: Partial<Payment>): Decision<PaymentTables> {
  const payment = { ...before, ...facts, version: before.version + 1 };
  return payment.cancelled ? giveBack(payment) : collect(payment);
}

function collect(payment: Payment): Decision<PaymentTables> {
  const { order_id, amount, currency, capture_wanted } = payment;
  switch (payment.state) {
    case 'authorized':
      return capture_wanted
        ? call(payment, 'capturing', capture(payment))
        : report(payment, {
            type: 'payment.authorized',
            data: { order_id, amount, currency, authorization_id: known(payment.authorization_id) },
          });
    case 'declined':
      // A confirmed order waits for the capture, so that is what it is told has failed.
      return report(payment, {
        type: capture_wanted ? 'payment.capture_failed' : 'payment.declined',
        data: { order_id, reason: known(payment.reason) },
      });
    case 'captured':
      return report(payment, {
        type: 'payment.captured',
        data: { order_id, amount, currency, capture_id: known(payment.capture_id) },
      });
    case 'capture_failed':
      return report(payment, { type: 'payment.capture_failed', data: { order_id, reason: known(payment.reason) } });
    default:
      return written(payment);
  }
}

/** Of a cancelled order only one thing is of interest: that its money has gone back. */
function giveBack(payment: Payment): Decision<PaymentTables> {
  const { order_id, amount, currency } = payment;
  switch (payment.state) {
    // That nothing is known of it does not say that nothing was asked: a restored database has forgotten.
    case 'none':
    case 'authorized':
    case 'captured':
    case 'capture_failed':
      return call(payment, 'reversing', reverse(payment));
    case 'voided':
      return report(payment, { type: 'payment.voided', data: { order_id } });
    case 'refunded':
      return report(payment, {
        type: 'payment.refunded',
        data: { order_id, amount, currency, refund_id: known(payment.refund_id) },
      });
    default:
      return written(payment);
  }
}

function call(payment: Payment, state: PaymentState, effect: NewEffect): Decision<PaymentTables> {
  return { ...written({ ...payment, state }), effects: [effect] };
}

/** Distributes over the topics, which `Omit` on the union as a whole does not. */
type Report<E = NewEvent> = E extends NewEvent ? Omit<E, 'subject' | 'sequence'> : never;

function report(payment: Payment, event: Report): Decision<PaymentTables> {
  const told = { ...event, subject: payment.order_id, sequence: payment.version };
  return { ...written(payment), events: [told] };
}

function written(payment: Payment): Decision<PaymentTables> {
  return { rows: { payments: [payment] } };
}
