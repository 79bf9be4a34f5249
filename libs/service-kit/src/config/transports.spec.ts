import { ConfigError, loadConfig } from './load';
import { TRANSPORT_SETTINGS } from '../transports';
import { consumedFrom, publishedTo, type TransportChoice } from './transports';

const choice = (values: Partial<TransportChoice>): TransportChoice => ({
  ...{ TRANSPORT: 'kafka', TRANSPORT_ROUTES: '', TRANSPORT_ALSO_CONSUME: '' },
  ...values,
});

/** What is wrong, one line each. */
function problems(values: Record<string, string>): readonly string[] {
  try {
    loadConfig(TRANSPORT_SETTINGS, {}, values as NodeJS.ProcessEnv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

test('a topic is published to the first route that fits, else to TRANSPORT', () => {
  const TRANSPORT_ROUTES = 'shipment.*=nsq, order.created = kafka + nsq, order.*=nats, *.voided=rabbitmq';
  const to = (topic: string) => publishedTo(choice({ TRANSPORT_ROUTES }), topic).join();
  expect(to('shipment.failed')).toBe('nsq');
  expect(to('order.created')).toBe('kafka,nsq');
  expect(to('order.paid')).toBe('nats');
  expect(to('payment.voided')).toBe('rabbitmq');
  expect(to('audit.order-api')).toBe('kafka');
  expect(publishedTo(choice({}), 'order.created')).toEqual(['kafka']);
});

test('what is named anywhere is consumed from', () => {
  const named = choice({ TRANSPORT_ROUTES: 'shipment.*=nsq+kafka', TRANSPORT_ALSO_CONSUME: 'nats,postgres' });
  expect([...consumedFrom(named)]).toEqual([
    ['kafka', 'TRANSPORT'],
    ['nsq', 'TRANSPORT_ROUTES'],
    ['nats', 'TRANSPORT_ALSO_CONSUME'],
    ['postgres', 'TRANSPORT_ALSO_CONSUME'],
  ]);
});

test('each transport that is named needs its address, and all that lack it are told at once', () => {
  const found = problems({
    TRANSPORT: 'rabbitmq',
    TRANSPORT_ROUTES: 'shipment.*=nsq,order.created=rabbitmq+kafka',
    TRANSPORT_ALSO_CONSUME: 'nats',
  });
  expect(found).toEqual([
    expect.stringMatching(/^KAFKA_BROKERS: is not set, and TRANSPORT_ROUTES names kafka/),
    expect.stringMatching(/^AMQP_URL: is not set, and TRANSPORT names rabbitmq/),
    expect.stringMatching(/^NATS_URL: is not set, and TRANSPORT_ALSO_CONSUME names nats/),
    expect.stringMatching(/^NSQD_ADDRESSES: is not set, and TRANSPORT_ROUTES names nsq/),
  ]);
});

test.each([
  ['shipment.*=zeromq', /"zeromq" is none of postgres, kafka/],
  ['shipmnt.*=nsq', /no topic is called "shipmnt\.\*"/],
  ['*=nsq', /no topic is called "\*"/],
  ['order.created', /"order\.created" names no transport/],
  ['order.created=', /"order\.created" names no transport/],
  ['order.created=nsq+nsq', /"nsq" stands there twice/],
  ['order.*=nsq,order.created=kafka', /"order\.created" is never used/],
  ['redo.*=zeromq,order.paid', /"zeromq" is none of.*no topic is called "redo\.\*".*"order\.paid" names no transport/],
])('the route %s is refused', (TRANSPORT_ROUTES, reason) => {
  expect(problems({ EVENTS_DATABASE_URL: 'postgres://db', TRANSPORT_ROUTES })).toEqual([
    expect.stringMatching(new RegExp(`^TRANSPORT_ROUTES: .*${reason.source}`)),
  ]);
});

test('to consume from what is published to anyway is refused, for then the other one was forgotten', () => {
  const urls = { NATS_URL: 'nats://host', NSQD_ADDRESSES: 'host:4150' };
  expect(problems({ ...urls, TRANSPORT: 'nats', TRANSPORT_ALSO_CONSUME: 'nats' })).toEqual([
    expect.stringMatching(/^TRANSPORT_ALSO_CONSUME: nats is published to/),
  ]);
  const routed = { TRANSPORT: 'nats', TRANSPORT_ROUTES: 'order.paid=nsq', TRANSPORT_ALSO_CONSUME: 'nsq' };
  expect(problems({ ...urls, ...routed })).toEqual([expect.stringMatching(/nsq is published to/)]);
  expect(problems({ ...urls, TRANSPORT: 'nats', TRANSPORT_ALSO_CONSUME: 'nsqd,nsq,nsq' })).toEqual([
    expect.stringMatching(/"nsqd" is none of.*"nsq" stands there twice/),
  ]);
});
