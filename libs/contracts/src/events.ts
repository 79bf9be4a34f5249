import { z } from 'zod';
import { Currency, Id, Money, OrderBody } from './order';

/** Why an order was cancelled. */
export const CancelReason = z.enum([
  'customer_request',
  'out_of_stock',
  'payment_declined',
  'capture_failed',
  'shipment_failed',
  'expired',
]);
export type CancelReason = z.infer<typeof CancelReason>;

const ofOrder = { order_id: Id };
const ofMoney = { ...ofOrder, amount: Money, currency: Currency };

/** Every event of the system: the newest version's number and the schema of its data. The topic is the event's type. */
export const events = {
  'order.created': { version: 1, data: OrderBody },
  'order.confirmed': { version: 1, data: OrderBody },
  'order.paid': { version: 1, data: OrderBody },
  'order.recalled': { version: 1, data: OrderBody },
  'order.completed': {
    version: 1,
    data: OrderBody.extend({ carrier: z.string(), tracking_number: z.string() }),
  },
  'order.cancelled': { version: 1, data: OrderBody.extend({ reason: CancelReason }) },

  'inventory.reserved': { version: 1, data: z.object(ofOrder) },
  'inventory.rejected': {
    version: 1,
    data: z.object({ ...ofOrder, reason: z.literal('out_of_stock'), missing: z.array(Id) }),
  },

  'payment.authorized': { version: 1, data: z.object({ ...ofMoney, authorization_id: z.string() }) },
  'payment.declined': { version: 1, data: z.object({ ...ofOrder, reason: z.string() }) },
  'payment.captured': { version: 1, data: z.object({ ...ofMoney, capture_id: z.string() }) },
  'payment.capture_failed': { version: 1, data: z.object({ ...ofOrder, reason: z.string() }) },
  'payment.voided': { version: 1, data: z.object(ofOrder) },
  'payment.refunded': { version: 1, data: z.object({ ...ofMoney, refund_id: z.string() }) },

  'shipment.dispatched': {
    version: 1,
    data: z.object({ ...ofOrder, carrier: z.string(), tracking_number: z.string() }),
  },
  'shipment.failed': { version: 1, data: z.object({ ...ofOrder, reason: z.string() }) },
} as const;

export type Topic = keyof typeof events;
export type EventData<T extends Topic = Topic> = z.infer<(typeof events)[T]['data']>;

export const topics = Object.keys(events) as Topic[];

export function isTopic(name: string): name is Topic {
  return Object.hasOwn(events, name);
}
