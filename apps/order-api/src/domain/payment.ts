import type { Decision } from '@order-events/messaging';
import { agree } from './agree';
import { contradiction, onAnswer, onReport } from './answer';
import type { Order, OrderTables } from './tables';
import { cancel, note, pay, type Cause } from './transitions';

export const paymentAuthorized = onAnswer('payment.authorized', (order, money, cause) => {
  assertTotal(order, money, cause);
  return order.payment === null ? agree(order, { payment: 'authorized' }, cause) : {};
});

export const paymentDeclined = onAnswer('payment.declined', (order, _, cause) => {
  if (order.payment !== null) throw contradiction(order, cause);
  return cancel(order, 'payment_declined', cause);
});

export const paymentCaptured = onAnswer('payment.captured', (order, money, cause) => {
  assertTotal(order, money, cause);
  if (order.status === 'pending') throw contradiction(order, cause);
  return order.status === 'confirmed' ? pay(order, cause) : {};
});

export const paymentCaptureFailed = onAnswer('payment.capture_failed', (order, _, cause) => {
  if (order.status !== 'confirmed') throw contradiction(order, cause);
  return cancel(order, 'capture_failed', cause);
});

export const paymentVoided = onReport('payment.voided', (order, _, cause) => returned(order, 'voided', cause));

export const paymentRefunded = onReport('payment.refunded', (order, money, cause) => {
  assertTotal(order, money, cause);
  return returned(order, 'refunded', cause);
});

/** Records, once, how the money of a cancelled order went back. */
function returned(order: Order, how: 'voided' | 'refunded', cause: Cause): Decision<OrderTables> {
  const other = how === 'voided' ? 'refunded' : 'voided';
  if (order.status !== 'cancelled' || order.payment === other) throw contradiction(order, cause);
  return order.payment === how ? {} : note(order, { payment: how }, cause);
}

function assertTotal(order: Order, { amount, currency }: { amount: number; currency: string }, cause: Cause): void {
  if (amount !== order.total || currency !== order.currency) throw contradiction(order, cause);
}
