import { TRANSPORT_SETTINGS } from '../transports';
import { parseAddress } from './bridge';
import { ConfigError, loadConfig } from './load';

const brokers = {
  KAFKA_BROKERS: 'host:9092',
  AMQP_URL: 'amqp://host',
  NATS_URL: 'nats://host',
  NSQD_ADDRESSES: 'host:4150',
  EVENTS_DATABASE_URL: 'postgres://db',
};
const NAMES = [...TRANSPORT_SETTINGS, 'BRIDGE_IN', 'BRIDGE_OUT'] as const;

/** What is wrong, one line each. */
function problems(values: Record<string, string>): readonly string[] {
  try {
    loadConfig(NAMES, {}, values as NodeJS.ProcessEnv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('an address names a transport, and the rest in its own words', () => {
  expect(parseAddress('kafka:order_events')).toEqual({ transport: 'kafka', topic: 'order_events' });
  expect(parseAddress('nats:shop.orders')).toEqual({ transport: 'nats', topic: 'shop.orders' });
  expect(parseAddress('nsq:order_events')).toEqual({ transport: 'nsq', topic: 'order_events' });
  const [exchange, routingKey, queue] = ['order_exchange', 'order:created', 'order_queue'];
  const rabbit = { transport: 'rabbitmq', exchange, routingKey, queue };
  expect(parseAddress(`rabbitmq:${exchange}/${routingKey}/${queue}`)).toEqual(rabbit);
});

test.each([
  'order_events',
  'redis:orders',
  'postgres:orders',
  'kafka:',
  'kafka:a b',
  'kafka:..',
  `kafka:${'x'.repeat(250)}`,
  'nats:orders.*',
  'nats:orders.>',
  'nats:orders..new',
  'nats:$JS.API',
  `nsq:${'x'.repeat(65)}`,
  'rabbitmq:exchange/key',
  'rabbitmq:exchange//queue',
  'rabbitmq:a/b/c/d',
])('%s is no address', (BRIDGE_IN) => {
  expect(problems({ ...brokers, BRIDGE_IN })).toEqual([expect.stringMatching(/^BRIDGE_IN: must be kafka:topic, /)]);
});

test('its broker must be reachable, whatever carries our own events', () => {
  const { EVENTS_DATABASE_URL } = brokers;
  expect(problems({ EVENTS_DATABASE_URL, BRIDGE_IN: 'kafka:orders', BRIDGE_OUT: 'nats:orders' })).toEqual([
    expect.stringMatching(/^KAFKA_BROKERS: is not set, and BRIDGE_IN names kafka/),
    expect.stringMatching(/^NATS_URL: is not set, and BRIDGE_OUT names nats/),
  ]);
});

test.each([
  ['kafka:order.created', ''],
  ['nats:event.dead_lettered', ''],
  ['nsq:shop.audit.order-api', 'shop.'],
  ['rabbitmq:order-events/key/queue', ''],
  ['rabbitmq:shop.order-events/key/queue', 'shop.'],
  ['rabbitmq:exchange/key/inventory', ''],
  ['rabbitmq:exchange/key/nobody', ''],
])('%s, with the prefix "%s", is a name of ours', (address, TOPIC_PREFIX) => {
  const given = { ...brokers, TOPIC_PREFIX };
  expect(problems({ ...given, BRIDGE_IN: address })).toEqual([expect.stringMatching(/^BRIDGE_IN: .*our own events/)]);
  expect(problems({ ...given, BRIDGE_OUT: address })).toEqual([expect.stringMatching(/^BRIDGE_OUT: .*our own events/)]);
  expect(problems({ ...given, TOPIC_PREFIX: 'other.', BRIDGE_IN: address })).toEqual([]);
});

test.each([
  ['kafka:orders', 'kafka:orders'],
  ['rabbitmq:x/k/q', 'rabbitmq:x/k/other'],
  ['rabbitmq:x/k/q', 'rabbitmq:y/l/q'],
])('what comes in from %s does not go out to %s', (BRIDGE_IN, BRIDGE_OUT) => {
  expect(problems({ ...brokers, BRIDGE_IN, BRIDGE_OUT })).toEqual([
    expect.stringMatching(/^BRIDGE_OUT: .* would come in again/),
  ]);
});

test.each([
  ['kafka:orders', 'nats:orders'],
  ['kafka:orders', 'kafka:orders_out'],
  ['rabbitmq:x/k/q', 'rabbitmq:x/l/r'],
])('what comes in from %s may go out to %s', (BRIDGE_IN, BRIDGE_OUT) => {
  expect(problems({ ...brokers, BRIDGE_IN, BRIDGE_OUT })).toEqual([]);
});
