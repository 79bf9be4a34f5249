import {
  assertEssentials,
  audiences,
  brokerGroup,
  brokerGroups,
  consumedWith,
  deliveryOf,
  holdersOf,
  services,
  topics,
  topology,
  type Consuming,
  type Topology,
  type WeakDelivery,
} from './index';

/** What a user writes into topology.ts. */
function weaken(topic: 'order.created' | 'order.completed', delivery: WeakDelivery): void {
  const subscriptions: { email?: Consuming } = topology[topic].subscriptions;
  jest.replaceProperty(subscriptions, 'email', { delivery });
}
afterEach(() => jest.restoreAllMocks());

test('as it is shipped, everything is effectively once, and what an order ends by is essential', () => {
  for (const topic of topics)
    for (const group of topology[topic].consumers) {
      expect(deliveryOf(topic, group)).toBe('effectively-once');
      expect(topology[topic].subscriptions[group]!.essential ?? false).toBe(group !== 'email');
      expect(brokerGroup(topic, group)).toBe(group);
    }
  expect(services.flatMap(brokerGroups)).toEqual(services);
  expect(() => assertEssentials()).not.toThrow();
});

test('nobody is asked whether they hold what may be lost, or leaves no row', () => {
  weaken('order.created', 'at-least-once');
  weaken('order.completed', 'at-most-once');
  expect(holdersOf('order.created')).toEqual(['inventory', 'payment', 'logistics']);
  expect(audiences('order-api').get('email')).toEqual(['order.confirmed', 'order.cancelled']);
  expect(audiences('order-api').get('inventory')).toEqual(['order.created', 'order.paid', 'order.cancelled']);
  expect(consumedWith('at-least-once', 'email')).toEqual(['order.created']);
});

test('what is acknowledged first waits in a group of its own', () => {
  weaken('order.created', 'at-least-once');
  weaken('order.completed', 'at-most-once');
  expect(brokerGroup('order.created', 'email')).toBe('email');
  expect(brokerGroup('order.completed', 'email')).toBe('email.at-most-once');
  expect(brokerGroups('email')).toEqual(['email', 'email.at-most-once']);
});

test('an essential subscription is refused a weaker delivery, by the compiler and when it is there all the same', () => {
  // @ts-expect-error -- an order would be lost with the event
  const wrong: Consuming = { essential: true, delivery: 'at-most-once' };
  const { consumers, publisher } = topology['order.paid'];
  const table: Topology = { ...topology, 'order.paid': { consumers, publisher, subscriptions: { logistics: wrong } } };
  expect(() => assertEssentials(table)).toThrow('order.paid to logistics (at-most-once)');
});
