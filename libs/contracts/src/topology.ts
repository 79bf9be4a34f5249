import type { Topic } from './events';

/** A service by the name that it has as consumer group, as database and (behind a slash) as the `source` of its events. */
export const services = ['order-api', 'inventory', 'payment', 'logistics', 'email'] as const;
export type Service = (typeof services)[number];

/** What a subscription can be content with instead of effectively once: docs/delivery.md. */
export type WeakDelivery = 'at-most-once' | 'at-least-once';

/** How often each event of a topic is handled by a group, whatever dies on the way. */
export type Delivery = 'effectively-once' | WeakDelivery;

/** One group's subscription to a topic. Without a word it is effectively once, and of an essential one nothing else can be said. */
export type Consuming =
  /** The end of an order depends on each event. */
  { essential: true; delivery?: never } | { essential?: false; delivery?: WeakDelivery };

export interface Edge {
  /** The only service that publishes the topic. */
  publisher: Service;
  /** The groups that each receive every event of the topic. */
  consumers: readonly Service[];
  /** Of each consumer. */
  subscriptions: Readonly<Partial<Record<Service, Consuming>>>;
}
export type Topology = Readonly<Record<Topic, Edge>>;

const essential: Consuming = { essential: true };

/** Who publishes and who consumes what: the single table that setup, subscriptions and checks are made from. */
export const topology: Topology = {
  'order.created': edge('order-api', { inventory: essential, payment: essential, logistics: essential, email: {} }),
  'order.confirmed': edge('order-api', { payment: essential, email: {} }),
  'order.paid': edge('order-api', { inventory: essential, logistics: essential }),
  'order.recalled': edge('order-api', { logistics: essential }),
  'order.completed': edge('order-api', { email: {} }),
  'order.cancelled': edge('order-api', { inventory: essential, payment: essential, logistics: essential, email: {} }),

  'inventory.reserved': edge('inventory', { 'order-api': essential }),
  'inventory.rejected': edge('inventory', { 'order-api': essential }),

  'payment.authorized': edge('payment', { 'order-api': essential }),
  'payment.declined': edge('payment', { 'order-api': essential }),
  'payment.captured': edge('payment', { 'order-api': essential }),
  'payment.capture_failed': edge('payment', { 'order-api': essential }),
  'payment.voided': edge('payment', { 'order-api': essential }),
  'payment.refunded': edge('payment', { 'order-api': essential }),

  'shipment.dispatched': edge('logistics', { 'order-api': essential }),
  'shipment.failed': edge('logistics', { 'order-api': essential }),
};

function edge(publisher: Service, subscriptions: Edge['subscriptions']): Edge {
  return { publisher, consumers: Object.keys(subscriptions) as Service[], subscriptions };
}

/** The topics that a group consumes. */
export function consumedBy(group: Service): Topic[] {
  return (Object.keys(topology) as Topic[]).filter((topic) => topology[topic].consumers.includes(group));
}

/** The topics that a service publishes. */
export function publishedBy(service: Service): Topic[] {
  return (Object.keys(topology) as Topic[]).filter((topic) => topology[topic].publisher === service);
}
