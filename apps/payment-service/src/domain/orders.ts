import type { CloudEvent, EventData } from '@order-events/contracts';
import type { Decision, EventHandler } from '@order-events/messaging';
import { authorize } from './effects';
import { settle } from './settle';
import { blankPayment, type Payment, type PaymentTables } from './tables';

type OrderTopic = 'order.created' | 'order.confirmed' | 'order.cancelled';

/**
 * The handlers of orders' events. `defaultToken` pays for orders that name no token of their own; null declines them.
 */
export function orderHandlers(defaultToken: string | null) {
  /** Asks for the order's total, or declines it where nobody can be asked. */
  function begin(payment: Payment, order: EventData<OrderTopic>, facts: Partial<Payment>): Decision<PaymentTables> {
    const { total: amount, currency } = order;
    const token = order.payment_token ?? defaultToken;
    if (token === null)
      return settle(payment, { ...facts, amount, currency, state: 'declined', reason: 'no_payment_token' });
    const asked = settle(payment, { ...facts, amount, currency, state: 'authorizing' });
    return { ...asked, effects: [authorize({ ...payment, amount, currency }, token)] };
  }

  const created = onOrder('order.created', (payment, order) =>
    payment.state === 'none' && !payment.cancelled ? begin(payment, order, {}) : {},
  );

  /** Wants the money now: whichever of authorisation and this comes second leads to the capture. */
  const confirmed = onOrder('order.confirmed', (payment, order) => {
    if (payment.cancelled || payment.capture_wanted) return {};
    const facts = { capture_wanted: true };
    return payment.state === 'none' ? begin(payment, order, facts) : settle(payment, facts);
  });

  const cancelled = onOrder('order.cancelled', (payment, { total: amount, currency }) =>
    payment.cancelled ? {} : settle(payment, { cancelled: true, amount, currency }),
  );

  return { created, confirmed, cancelled };
}

export type OrderHandlers = ReturnType<typeof orderHandlers>;

/** An order's payment is all that its events touch. */
export const keys = ({ data }: CloudEvent<OrderTopic>) => ({ payments: [data.order_id] });

function onOrder<E extends OrderTopic>(
  topic: E,
  decide: (payment: Payment, order: EventData<E>) => Decision<PaymentTables>,
): EventHandler<PaymentTables, E> {
  return {
    topic,
    keys,
    decide: ({ payments }, { data }) => decide(payments.get(data.order_id) ?? blankPayment(data.order_id), data),
  };
}
