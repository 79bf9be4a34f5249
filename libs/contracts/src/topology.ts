import type { Topic } from './events';

/** A service by the name that it has as consumer group, as database and (behind a slash) as the `source` of its events. */
export const services = ['order-api', 'inventory', 'payment', 'logistics', 'email'] as const;
export type Service = (typeof services)[number];

export interface Edge {
  /** The only service that publishes the topic. */
  publisher: Service;
  /** The groups that each receive every event of the topic. */
  consumers: readonly Service[];
}

/** Who publishes and who consumes what: the single table that setup, subscriptions and checks are made from. */
export const topology: Readonly<Record<Topic, Edge>> = {
  'order.created': { publisher: 'order-api', consumers: ['inventory', 'payment', 'logistics', 'email'] },
  'order.confirmed': { publisher: 'order-api', consumers: ['payment', 'email'] },
  'order.paid': { publisher: 'order-api', consumers: ['inventory', 'logistics'] },
  'order.recalled': { publisher: 'order-api', consumers: ['logistics'] },
  'order.completed': { publisher: 'order-api', consumers: ['email'] },
  'order.cancelled': { publisher: 'order-api', consumers: ['inventory', 'payment', 'logistics', 'email'] },

  'inventory.reserved': { publisher: 'inventory', consumers: ['order-api'] },
  'inventory.rejected': { publisher: 'inventory', consumers: ['order-api'] },

  'payment.authorized': { publisher: 'payment', consumers: ['order-api'] },
  'payment.declined': { publisher: 'payment', consumers: ['order-api'] },
  'payment.captured': { publisher: 'payment', consumers: ['order-api'] },
  'payment.capture_failed': { publisher: 'payment', consumers: ['order-api'] },
  'payment.voided': { publisher: 'payment', consumers: ['order-api'] },
  'payment.refunded': { publisher: 'payment', consumers: ['order-api'] },

  'shipment.dispatched': { publisher: 'logistics', consumers: ['order-api'] },
  'shipment.failed': { publisher: 'logistics', consumers: ['order-api'] },
};

/** The topics that a group consumes. */
export function consumedBy(group: Service): Topic[] {
  return (Object.keys(topology) as Topic[]).filter((topic) => topology[topic].consumers.includes(group));
}

/** The topics that a service publishes. */
export function publishedBy(service: Service): Topic[] {
  return (Object.keys(topology) as Topic[]).filter((topic) => topology[topic].publisher === service);
}
