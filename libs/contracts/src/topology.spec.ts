import { consumedBy, publishedBy, services, topics, topology } from './index';

test('every topic has a publisher and at least one consumer, and nobody consumes what they publish', () => {
  for (const topic of topics) {
    const { publisher, consumers } = topology[topic];
    expect(services).toContain(publisher);
    expect(consumers.length).toBeGreaterThan(0);
    expect(consumers).not.toContain(publisher);
  }
});

test('the table can be read from both ends', () => {
  expect(consumedBy('email')).toEqual(['order.created', 'order.confirmed', 'order.completed', 'order.cancelled']);
  expect(publishedBy('logistics')).toEqual(['shipment.dispatched', 'shipment.failed']);
});
