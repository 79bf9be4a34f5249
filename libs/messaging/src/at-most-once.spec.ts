import { eventually } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { Counting, GROUP, reserved } from '../test/counting';
import { systemRuntime, Worker, type Subscribe } from './index';
import { subscribeAll } from './subscribe-all';

const TOPIC = 'inventory.reserved';
const APART = `${GROUP}.at-most-once`;
const pace = { batch: 10, waitMs: 0, inFlight: 20, parallel: 2 };

test('a copy counts once, and what is acknowledged and cannot be taken in is lost, with a word', async () => {
  const service = new Counting();
  const { store, notes: observer } = service;
  const transport = new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });
  await transport.declare([{ topic: TOPIC, groups: [APART] }]);
  const audit = { topics: [], take: () => [], run: () => Promise.resolve() };
  const worker = new Worker({ store, transport, runtime: systemRuntime, observer, audit });
  await worker.consume({
    ...{ group: GROUP, topics: [], atMostOnce: { group: APART, topics: [TOPIC] }, ...pace },
    pipeline: () => service.pipeline(),
    pauses: { isPaused: () => Promise.resolve(false), pause: () => Promise.resolve() },
    presence: { name: 'me', watch: () => Promise.resolve([]), leave: () => Promise.resolve() },
  });

  const message = reserved('o1');
  await transport.publish([message]);
  await transport.publish([message]);
  await eventually(() => observer.outcomes.length === 2);
  expect(observer.outcomes).toEqual(['applied', 'duplicate']);

  store.away = true;
  await transport.publish([reserved('o2')]);
  await eventually(() => observer.errors.some((error) => error.includes('at most once: up to 1 events are lost')));
  store.away = false;
  await transport.publish([reserved('o3')]);
  await eventually(() => observer.outcomes.length === 3);
  await worker.stop();
  expect([await service.count('o1'), await service.count('o2'), await service.count('o3')]).toEqual([1, 0, 1]);
});

test('when one of several subscriptions cannot be had, none is left', async () => {
  let open = 0;
  const transport = {
    subscribe: ({ group }: Subscribe) => {
      if (group === APART) return Promise.reject(new Error('no such group'));
      open++;
      return Promise.resolve({ close: () => Promise.resolve(void open--) });
    },
  };
  const subscribe = { topics: [TOPIC], ...pace, handle: () => Promise.resolve() };
  const both = [GROUP, APART].map((group) => ({ ...subscribe, group }));
  await expect(subscribeAll(transport, both)).rejects.toThrow('no such group');
  expect(open).toBe(0);
});
