import { cloudEvent, DecidingService } from '@order-events/testing';
import { handlers, place, tables, type Order, type OrderTables } from '../src/domain';

export const { order: pending } = place(
  {
    order_id: 'o1',
    user_id: 'u1',
    items: [
      { product_id: 'apple', quantity: 2, unit_price: 100 },
      { product_id: 'pear', quantity: 1, unit_price: 50 },
    ],
    currency: 'EUR',
    email: 'a@example.com',
  },
  1_700_000_000,
);
const agreed = { inventory: 'reserved', payment: 'authorized' } as const;
export const confirmed: Order = { ...pending, ...agreed, status: 'confirmed', version: 3, deadline: 900 };
export const paid: Order = { ...confirmed, payment: 'captured', status: 'paid', version: 4 };
export const completed: Order = { ...paid, status: 'completed', version: 5, carrier: 'Parcels', tracking_number: 't1' };
export const cancelled: Order = { ...pending, status: 'cancelled', version: 2, cancel_reason: 'customer_request' };

export const ofOrder = { order_id: 'o1' };
export const ofMoney = { ...ofOrder, amount: 250, currency: 'EUR' };
export const answers = {
  reserved: cloudEvent('inventory.reserved', ofOrder),
  rejected: cloudEvent('inventory.rejected', { ...ofOrder, reason: 'out_of_stock', missing: ['pear'] }),
  authorized: cloudEvent('payment.authorized', { ...ofMoney, authorization_id: 'a1' }),
  declined: cloudEvent('payment.declined', { ...ofOrder, reason: 'card_declined' }),
  captured: cloudEvent('payment.captured', { ...ofMoney, capture_id: 'c1' }),
  captureFailed: cloudEvent('payment.capture_failed', { ...ofOrder, reason: 'card_expired' }),
  voided: cloudEvent('payment.voided', ofOrder),
  refunded: cloudEvent('payment.refunded', { ...ofMoney, refund_id: 'r1' }),
  dispatched: cloudEvent('shipment.dispatched', { ...ofOrder, carrier: 'Parcels', tracking_number: 't1' }),
  failed: cloudEvent('shipment.failed', { ...ofOrder, reason: 'undeliverable_address' }),
};

export function orderApi(order?: Order) {
  const service = new DecidingService({ tables, handlers, answers: [] });
  if (order) service.put({ orders: [order] });
  return service;
}

export const rowOf = (service: DecidingService<OrderTables>) => service.table('orders').get('o1')!;

/** What can be seen from outside: the status, what was told, and the history from here on. */
export function seen(service: DecidingService<OrderTables>) {
  const { status, cancel_reason } = rowOf(service);
  return {
    status,
    cancel_reason,
    told: service.events.map(({ type }) => type),
    history: service.log('order_history').map(({ event }) => event),
  };
}
