import { eventually, FaultyBroker, numbered, range, Seen } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import type { Message, Settlement, Transport } from '../ports/transport';
import { systemRuntime } from '../runtime';
import { RoutedTransport } from './routed-transport';

const THINGS = { topic: 'things', groups: ['g'] };
const RARE = { topic: 'rare', groups: ['g'] };
const memory = () => new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });

/** A part that answers as a test tells it to. */
class Part extends FaultyBroker implements Transport {
  constructor(
    readonly name: string,
    readonly capabilities: Transport['capabilities'] = { order: 'none', maxBytes: 100 },
  ) {
    super();
  }

  readonly failing = () => Promise.reject(new Error(`${this.name} is away`));
  ping = this.failing;
  declare = this.failing;
  backlog = this.failing;
  subscribe = this.failing;
  isConsumed = this.failing;
  close = this.failing;
}

const unavailable: Settlement = { stored: false, problem: 'unavailable', detail: 'away' };
const refused: Settlement = { stored: false, problem: 'refused', detail: 'too odd' };
const routed = (...parts: Transport[]) => new RoutedTransport({ parts, route: () => parts });

test('a message goes to the parts of its topic’s route, settled in the order given', async () => {
  const [common, rare] = [new Part('common'), new Part('rare')];
  const transport = new RoutedTransport({
    parts: [common, rare],
    route: (topic) => (topic === 'rare' ? [rare] : [common]),
  });
  const messages = range(0, 4).map((message, n) => (n % 2 ? { ...message, topic: 'rare' } : message));
  rare.settle = () => refused;
  expect(await transport.publish(messages)).toEqual([
    { stored: true },
    { ...refused, detail: 'rare: too odd' },
    { stored: true },
    { ...refused, detail: 'rare: too odd' },
  ]);
  expect(common.stored).toEqual([messages[0], messages[2]]);
});

describe('on a route of two', () => {
  let [first, second]: Part[] = [];
  let transport: RoutedTransport;
  const withId = (resend?: string): Message => {
    const { headers, ...rest } = numbered(0);
    return { ...rest, headers: { ...headers, 'ce-id': ID, ...(resend && { 'ce-resend': resend }) } };
  };
  const ID = systemRuntime.eventId();
  beforeEach(() => {
    [first, second] = [new Part('first'), new Part('second')];
    transport = routed(first, second);
  });

  test('a message is stored when both have proved it, and who has is not asked for it again', async () => {
    second!.settle = () => unavailable;
    for (let tries = 1; tries <= 3; tries++)
      expect(await transport.publish([withId()])).toEqual([{ ...unavailable, detail: 'second: away' }]);
    expect(first!.stored).toHaveLength(1);
    second!.settle = () => ({ stored: true });
    expect(await transport.publish([withId()])).toEqual([{ stored: true }]);
    expect([first!.stored, second!.stored].map(({ length }) => length)).toEqual([1, 1]);
  });

  test('what is sent again, because it was lost, goes to both', async () => {
    second!.settle = () => unavailable;
    await transport.publish([withId()]);
    second!.settle = () => ({ stored: true });
    expect(await transport.publish([withId('1')])).toEqual([{ stored: true }]);
    expect([first!.stored, second!.stored].map(({ length }) => length)).toEqual([2, 1]);
    // Once all have it, the same message is a new one.
    await transport.publish([withId()]);
    expect(await transport.publish([withId()])).toEqual([{ stored: true }]);
    expect([first!.stored, second!.stored].map(({ length }) => length)).toEqual([3, 3]);
  });

  test('a refusal is final only when the other one has the message', async () => {
    first!.settle = () => refused;
    second!.settle = () => unavailable;
    expect(await transport.publish([withId()])).toEqual([{ ...unavailable, detail: 'second: away' }]);
    second!.settle = () => ({ stored: true });
    expect(await transport.publish([withId()])).toEqual([{ ...refused, detail: 'first: too odd' }]);
    expect(second!.stored).toHaveLength(1);
  });

  test('messages without an id are never taken for one another', async () => {
    second!.settle = () => unavailable;
    await transport.publish([{ ...numbered(1), headers: {} }]);
    await transport.publish([{ ...numbered(2), headers: {} }]);
    expect(first!.stored.map(({ body }) => String(body))).toEqual(['1', '2']);
  });
});

test('consumes every topic from every part, whatever the routes say', async () => {
  const [before, after] = [memory(), memory()];
  const transport = new RoutedTransport({ parts: [after, before], route: () => [after] });
  await transport.declare([THINGS, RARE]);
  const messages = [numbered(0), { ...numbered(1), topic: 'rare' }];
  await before.publish(messages);
  await transport.publish([numbered(2), { ...numbered(3), topic: 'rare' }]);
  expect(await transport.backlog('g')).toBe(4);
  expect(await after.backlog('g')).toBe(2);
  const seen = new Seen();
  const options = { group: 'g', topics: ['things', 'rare'], batch: 10, waitMs: 0, inFlight: 10, parallel: 2 };
  const subscription = await transport.subscribe({ ...options, handle: seen.handle });
  await eventually(() => seen.total === 4);
  await subscription.close();
  expect([await transport.backlog('g'), seen.lost(4)]).toEqual([0, []]);
});

test('a subscription keeps its limits over all parts together', async () => {
  const parts = [memory(), memory()];
  const transport = routed(...parts);
  await transport.declare([THINGS]);
  for (const part of parts) await part.publish(range(0, 10));
  const seen = new Seen();
  let [running, most] = [0, 0];
  const handle = async (batch: readonly Message[]) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    await seen.handle(batch);
  };
  const options = { group: 'g', topics: ['things'], batch: 2, waitMs: 0, inFlight: 20, parallel: 1 };
  const subscription = await transport.subscribe({ ...options, handle });
  await eventually(() => seen.total === 20);
  await subscription.close();
  expect(most).toBe(1);
});

test('it can do what all can, and owns up to what one does', () => {
  const able = { order: 'key', maxBytes: 100 } as const;
  const part = (capabilities: Transport['capabilities']) => new Part('part', capabilities);
  expect(routed(part(able), part({ ...able, maxBytes: 50 })).capabilities).toEqual({ order: 'none', maxBytes: 50 });
  const odd = { ...able, unseenHands: true, makesTopics: true, fleeting: true } as const;
  expect(routed(part(able), part(odd)).capabilities).toEqual({ ...odd, order: 'none' });
});

test('of processes that have died each part is told that has a use for it', async () => {
  const [kafka, other] = [memory(), memory()];
  const released: unknown[] = [];
  Object.assign(kafka, { release: (...told: unknown[]) => Promise.resolve(void released.push(told)) });
  await routed(kafka, other).release('g', ['dead']);
  expect(released).toEqual([['g', ['dead']]]);
});

test('of what fails, the part is named; and it ends what it had begun', async () => {
  const close = jest.fn(() => Promise.resolve());
  const works = memory();
  works.subscribe = () => Promise.resolve({ close });
  const transport = routed(works, new Part('nsq'), new Part('nats'));
  const both = 'nsq: nsq is away; nats: nats is away';
  await expect(transport.ping()).rejects.toThrow(both);
  await expect(transport.backlog('g')).rejects.toThrow(both);
  await expect(transport.declare([THINGS])).rejects.toThrow(both);
  await expect(transport.close()).rejects.toThrow(both);
  const options = { group: 'g', topics: ['things'], batch: 10, waitMs: 0, inFlight: 10, parallel: 2 };
  await expect(transport.subscribe({ ...options, handle: () => Promise.resolve() })).rejects.toThrow(both);
  expect(close).toHaveBeenCalledTimes(1);
});
