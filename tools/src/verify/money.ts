import { type Invariant, ofEachCase } from './invariant';

export const moneyInvariants: readonly Invariant[] = [
  ofEachCase('the gateway was asked for the money of an order at most once', ({ authorizations }) => {
    if (authorizations.length === 0) return null;
    return authorizations.length === 1 ? undefined : `has ${authorizations.length} authorizations`;
  }),

  ofEachCase('a completed order is charged once, with its total', ({ order, authorizations, payment }) => {
    if (order?.status !== 'completed') return null;
    const [only] = authorizations;
    if (!only) return 'is not charged at all';
    const charged = only.captured - only.refunded;
    if (charged !== order.total || only.currency !== order.currency)
      return `costs ${order.total} ${order.currency} and is charged ${charged} ${only.currency}`;
    return payment?.state === 'captured' ? undefined : `is charged, but its payment is ${payment?.state}`;
  }),

  ofEachCase('a cancelled order is not charged, and nothing stays reserved on the card', (about) => {
    if (about.order?.status !== 'cancelled') return null;
    for (const { state, captured, refunded } of about.authorizations) {
      if (captured !== refunded) return `is charged ${captured - refunded}`;
      if (state === 'authorized') return 'has its authorization still open';
    }
    const { payment } = about;
    if (!payment?.cancelled) return 'is not known as cancelled to payment';
    const closed = ['none', 'unused', 'declined', 'voided', 'refunded'].includes(payment.state);
    return closed ? undefined : `has its payment ${payment.state}`;
  }),
];
