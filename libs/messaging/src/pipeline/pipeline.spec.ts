import fc from 'fast-check';
import { eventually } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { Counting, GROUP, reserved } from '../../test/counting';
import { decode, systemRuntime } from '../index';

let service: Counting;
beforeEach(() => {
  service = new Counting();
});

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('an event is decided, told of and taken into the inbox', async () => {
  const message = reserved('o1', systemRuntime.eventId(), TRACE);
  await service.pipeline().handle([message]);
  expect(await service.count('o1')).toBe(1);
  expect(await service.states([message])).toEqual(['applied']);
  expect(service.notes.outcomes).toEqual(['applied']);
  const [told] = service.published;
  expect(decode(told!)).toMatchObject({
    ok: true,
    event: {
      attributes: {
        type: 'payment.voided',
        source: '/counting',
        subject: 'o1',
        sequence: '1',
        causationid: message.headers['ce-id'],
        traceparent: TRACE,
      },
      data: { order_id: 'o1' },
    },
  });
});

test('a batch of several events of one order is decided one on top of the other', async () => {
  const batch = [reserved('o1'), reserved('o2'), reserved('o1'), reserved('o1')];
  await service.pipeline().handle(batch);
  expect(await service.count('o1')).toBe(3);
  expect(service.published.map(({ key, headers }) => [key, headers['ce-sequence']])).toEqual([
    ['o1', '1'],
    ['o2', '1'],
    ['o1', '2'],
    ['o1', '3'],
  ]);
  expect(service.store.begun).toBe(2);
});

test('an event that comes twice, later or in the same batch, or in capitals, counts once', async () => {
  const message = reserved('o1');
  const shouted = { ...message, headers: { ...message.headers, 'ce-id': message.headers['ce-id']!.toUpperCase() } };
  const pipeline = service.pipeline();
  await pipeline.handle([message, message]);
  await pipeline.handle([message, shouted]);
  expect(await service.count('o1')).toBe(1);
  expect(service.published).toHaveLength(1);
  expect(service.notes.outcomes).toEqual(['applied', 'duplicate', 'duplicate', 'duplicate']);
});

test('two pipelines at once on the same events, doubled and in any order, count each once', async () => {
  const orders = fc.array(fc.constantFrom('o1', 'o2', 'o3'), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(orders, fc.infiniteStream(fc.nat()), async (names, dice) => {
      const shared = new Counting();
      const messages = names.map((name) => reserved(name));
      const shuffled = () =>
        [...messages, ...messages]
          .map((message) => ({ message, at: dice.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ message }) => message);
      const deliver = async () => {
        const pipeline = shared.pipeline(shared.process());
        for (let rest = shuffled(); rest.length > 0;)
          await pipeline.handle(rest.splice(0, 1 + (dice.next().value! % 5)));
      };
      await Promise.all([deliver(), deliver()]);
      for (const name of ['o1', 'o2', 'o3']) {
        expect(await shared.count(name)).toBe(names.filter((other) => other === name).length);
      }
      expect(shared.published).toHaveLength(messages.length);
    }),
    { numRuns: 50 },
  );
});

test('a pipeline behind a transport takes everything once, though the transport delivers again', async () => {
  const transport = new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });
  await transport.declare([{ topic: 'inventory.reserved', groups: [GROUP] }]);
  const pipeline = service.pipeline();
  let lost = 3;
  const subscription = await transport.subscribe({
    group: GROUP,
    topics: ['inventory.reserved'],
    batch: 7,
    waitMs: 0,
    inFlight: 20,
    parallel: 3,
    handle: async (batch) => {
      await pipeline.handle(batch);
      // As when the acknowledgement does not reach the broker.
      if (lost-- > 0) throw new Error('connection lost');
    },
  });
  const messages = Array.from({ length: 60 }, (_, n) => reserved(`o${n % 9}`));
  await transport.publish(messages);
  await eventually(async () => (await transport.backlog(GROUP)) === 0);
  await subscription.close();
  expect(new Set(await service.states(messages))).toEqual(new Set(['applied']));
  expect(service.published).toHaveLength(60);
  expect(service.notes.outcomes.filter((outcome) => outcome === 'duplicate').length).toBeGreaterThan(0);
});
