import { DEAD_LETTERED, DEAD_LETTERED_SCHEMA, DeadLettered } from '@order-events/contracts';
import { entry, eventually, FaultyBroker } from '@order-events/testing';
import { Counting, GROUP, reserved } from '../test/counting';
import { decode, DeadLetterError, deadLettered, Relay, StoreError, type Message } from './index';

let service: Counting;
beforeEach(() => {
  service = new Counting();
});

const letter = { group: 'g', event_id: 'e', topic: 'order.paid', key: 'o1', attempts: 1, error: 'Error: no' };

function told() {
  return service.published
    .filter(({ topic }) => topic === DEAD_LETTERED)
    .map((message) => {
      const decoded = decode(message);
      if (!decoded.ok) throw new Error(decoded.detail);
      const { attributes, data } = decoded.event;
      return { attributes, data: DeadLettered.parse(data) };
    });
}

test('a dead letter is told of, with where it is, what it was and why', async () => {
  const message = reserved('o1');
  service.meddle = () => {
    throw new DeadLetterError('x'.repeat(5_000));
  };
  await service.pipeline().handle([message, reserved('o2')]);
  const id = message.headers['ce-id'];
  const [first, ...others] = told();
  expect(others).toHaveLength(1);
  expect(first).toMatchObject({
    attributes: {
      specversion: '1.0',
      type: DEAD_LETTERED,
      source: '/counting',
      subject: `${GROUP}/${id}`,
      dataschema: DEAD_LETTERED_SCHEMA,
      correlationid: 'o1',
      causationid: id,
      group: GROUP,
      errortype: 'DeadLetterError',
    },
    data: { group: GROUP, event_id: id, topic: 'inventory.reserved', key: 'o1', attempts: 1 },
  });
  expect(first!.data.error).toMatch(/^DeadLetterError: x{900,}$/);
  expect(first!.data.error).toHaveLength(1_000);
});

test('one that is tried again is not told of, until it is dead', async () => {
  service.meddle = () => {
    throw new Error('not yet');
  };
  const pipeline = service.pipeline();
  await pipeline.handle([reserved('o1')]);
  for (let tried = 1; tried < 10; tried++) {
    expect(told()).toEqual([]);
    service.runtime.pass(300_000);
    await pipeline.retryDue();
  }
  expect(told()).toMatchObject([{ data: { attempts: 10, error: 'Error: not yet' } }]);
});

test('one whose data the database refuses is told of, too', async () => {
  service.store.culprits.set('o1', new StoreError('rejected', 'breaks a constraint'));
  const pipeline = service.pipeline();
  await pipeline.handle([reserved('o1')]);
  for (let tried = 1; tried < 10; tried++) {
    service.runtime.pass(300_000);
    await pipeline.retryDue();
  }
  expect(told()).toMatchObject([{ data: { attempts: 10, error: 'StoreError: breaks a constraint' } }]);
});

test('garbage is told of, whatever its key holds', async () => {
  const garbage: Message = { topic: 'inventory.reserved', key: 'a \0 b', headers: {}, body: Buffer.from([0, 255, 1]) };
  await service.pipeline().handle([garbage]);
  const [{ attributes, data }] = told() as [ReturnType<typeof told>[number]];
  expect(attributes).not.toHaveProperty('correlationid');
  expect(data).toMatchObject({ key: 'a \0 b', topic: 'inventory.reserved' });
});

test('what tells of a dead letter is never told of itself', async () => {
  const [event] = deadLettered(letter, service.runtime.eventId(), '/counting');
  await service.pipeline().handle([event!]);
  expect(service.notes.outcomes).toEqual(['dead']);
  expect(told()).toEqual([]);
});

test('what the broker refuses is told of once, even if it refuses that as well', async () => {
  const broker = new FaultyBroker();
  broker.settle = () => ({ stored: false, problem: 'refused', detail: 'too large' });
  const { store, runtime, notes: observer } = service;
  const stop = new AbortController();
  const running = new Relay({ store, transport: broker, runtime, observer, batch: 10 }).run(stop.signal);
  const odd = entry('k');
  odd.headers = { ...odd.headers, 'ce-source': '/counting' };
  await store.transact((tx) => tx.append([odd]));
  await eventually(() => observer.publications.refused === 2);
  stop.abort();
  await running;
  expect(told()).toMatchObject([
    {
      attributes: { source: '/counting' },
      data: { group: 'relay', event_id: odd.id, error: 'too large', attempts: 1 },
    },
  ]);
  const [{ attributes }] = told() as [ReturnType<typeof told>[number]];
  expect(attributes).not.toHaveProperty('errortype');
  const held = await store.transact((tx) => tx.held('relay', [odd.id, attributes['id']!]));
  expect([...held.values()]).toEqual(['dead', 'dead']);
});
