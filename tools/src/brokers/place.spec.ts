import { brokerNames } from '@order-events/testing';
import { containersOf } from './containers';
import { runArguments } from './docker';
import { addressOf, placeOf } from './place';
import { table } from './status';

test.each([
  ['kafka', { KAFKA_BROKERS: '127.0.0.1:9092' }],
  ['rabbitmq', { AMQP_URL: 'amqp://guest:guest@127.0.0.1:5672' }],
  ['nats', { NATS_URL: 'nats://127.0.0.1:4222' }],
  ['redis', { REDIS_URL: 'redis://127.0.0.1:6379' }],
  ['nsq', { NSQD_ADDRESSES: '127.0.0.1:4150,127.0.0.1:4152', NSQLOOKUPD_ADDRESSES: '127.0.0.1:4161' }],
] as const)('%s is at its usual place when nothing else is said', (name, env) => {
  expect(placeOf(name, {})).toMatchObject({ name, env });
  expect(placeOf(name, {}).elsewhere).toBeUndefined();
});

test('PORT_OFFSET moves every port, and the folder with them', () => {
  const [usual, moved] = [placeOf('nsq', {}), placeOf('nsq', { PORT_OFFSET: '1000' })];
  expect(moved.ports).toEqual(Object.fromEntries(Object.entries(usual.ports).map(([use, port]) => [use, port + 1000])));
  expect(moved.env.NSQD_ADDRESSES).toBe('127.0.0.1:5150,127.0.0.1:5152');
  expect(moved.directory).not.toBe(usual.directory);
});

test.each(['-1', '1.5', 'x', '49001'])('PORT_OFFSET=%s is refused', (PORT_OFFSET) => {
  expect(() => placeOf('nats', { PORT_OFFSET })).toThrow(/PORT_OFFSET must be/);
});

test('no port is used twice, not by two brokers either', () => {
  const ports = brokerNames.flatMap((name) => Object.values(placeOf(name, {}).ports));
  expect(new Set(ports).size).toBe(ports.length);
});

test('a variable that names the usual address in other words is no obstacle', () => {
  const place = placeOf('rabbitmq', { AMQP_URL: 'amqp://me:secret@localhost:5672/host' });
  expect(place.elsewhere).toBeUndefined();
  expect(place.env.AMQP_URL).toBe('amqp://me:secret@localhost:5672/host');
});

test('where a variable names another address, none can be started, and no password is shown', () => {
  const { elsewhere } = placeOf('rabbitmq', { AMQP_URL: 'amqp://me:secret@example.test:5672' });
  expect(elsewhere).toMatch(/^AMQP_URL says example.test:5672, .* at 127.0.0.1:5672/);
  expect(elsewhere).not.toContain('secret');
});

test('an address without a port is refused by name', () => {
  expect(() => placeOf('kafka', { KAFKA_BROKERS: '127.0.0.1:9092,other' })).toThrow(/"other" is not the address/);
});

describe.each(brokerNames)('in Docker, %s', (name) => {
  const place = placeOf(name, { PORT_OFFSET: '100' });
  const commands = containersOf(place).map((container) => runArguments(container, place));

  test('is an image of a fixed version, found by its label, open to this machine only', () => {
    for (const words of commands) {
      expect(words.filter((word) => /^[a-z]+(\/[a-z]+)?:v?\d+\.\d+\.\d+(-management)?$/.test(word))).toHaveLength(1);
      expect(words).toContain(`order-events.broker=${name}-${addressOf(place)}`);
      const published = words.filter((_, index) => words[index - 1] === '--publish');
      expect(published.length).toBeGreaterThan(0);
      for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
    }
  });

  test('publishes the address that its clients are given', () => {
    const published = commands.flat().filter((word) => word.startsWith('127.0.0.1:'));
    for (const address of addressOf(place).split(',')) {
      expect(published).toContainEqual(expect.stringContaining(`${address}:`));
    }
  });
});

test('the table lines up', () => {
  const row = { version: '-', where: '-', address: 'a:1', pid: '-', since: '-', healthy: '-' } as const;
  expect(
    table([
      { name: 'nats', ...row },
      { name: 'rabbitmq', ...row, pid: '17 18' },
    ]),
  ).toEqual([
    'name      version  where  address  pid    since  healthy',
    'nats      -        -      a:1      -      -      -',
    'rabbitmq  -        -      a:1      17 18  -      -',
  ]);
});
