import { orderBody } from '@order-events/testing';
import type { EventData, Topic } from '../src/index';

/** Valid data for an event of any topic. */
export function dataOf(topic: Topic, order_id: string): EventData {
  const money = { order_id, amount: 200, currency: 'EUR' };
  const reason = { order_id, reason: 'so' };
  const shipped = { carrier: 'c', tracking_number: 't' };
  const samples: { [T in Topic]: EventData<T> } = {
    'order.created': orderBody(order_id),
    'order.confirmed': orderBody(order_id),
    'order.paid': orderBody(order_id),
    'order.recalled': orderBody(order_id),
    'order.completed': { ...orderBody(order_id), ...shipped },
    'order.cancelled': { ...orderBody(order_id), reason: 'expired' },
    'inventory.reserved': { order_id },
    'inventory.rejected': { order_id, reason: 'out_of_stock', missing: [] },
    'payment.authorized': { ...money, authorization_id: 'a' },
    'payment.declined': reason,
    'payment.captured': { ...money, capture_id: 'c' },
    'payment.capture_failed': reason,
    'payment.voided': { order_id },
    'payment.refunded': { ...money, refund_id: 'r' },
    'shipment.dispatched': { order_id, ...shipped },
    'shipment.failed': reason,
  };
  return samples[topic];
}
