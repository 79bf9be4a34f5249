import { MemoryDatabase, MemoryStore } from '@order-events/store';
import { eventually } from '@order-events/testing';
import { Notes } from '../test/counting';
import { systemRuntime, Worker, type Subscribe } from './index';

test('the broker is told the name of the process, and of others that have died', async () => {
  const subscribed: Subscribe[] = [];
  const released: unknown[] = [];
  let problem: Error | undefined = new Error('no broker');
  const transport = {
    publish: () => Promise.resolve([]),
    subscribe: (asked: Subscribe) => {
      subscribed.push(asked);
      return Promise.resolve({ close: () => Promise.resolve() });
    },
    release: (group: string, processes: readonly string[]) => {
      released.push([group, ...processes]);
      return problem ? Promise.reject(problem) : Promise.resolve();
    },
  };
  const audit = { topics: [], take: () => [], run: () => Promise.resolve() };
  const observer = new Notes();
  const store = new MemoryStore(new MemoryDatabase(systemRuntime), systemRuntime);
  const worker = new Worker({ store, transport, runtime: systemRuntime, observer, audit });
  await worker.consume({
    ...{ group: 'g', topics: ['things'], atMostOnce: { group: 'h', topics: ['others'] } },
    ...{ batch: 1, waitMs: 0, inFlight: 1, parallel: 1 },
    pipeline: () => ({ handle: () => Promise.resolve(), retryDue: () => Promise.resolve(0) }),
    pauses: { isPaused: () => Promise.resolve(false), pause: () => Promise.resolve() },
    presence: { name: 'me', watch: () => Promise.resolve(['gone']), leave: () => Promise.resolve() },
  });
  await eventually(() => released.length >= 2);
  problem = undefined;
  await eventually(() => released.length >= 4);
  await worker.stop();
  expect(subscribed).toMatchObject([
    { group: 'g', process: 'me' },
    { group: 'h', process: 'me' },
  ]);
  expect(released.slice(0, 2)).toEqual(Array(2).fill(['g', 'gone']));
  expect(released.slice(-2)).toEqual([
    ['g', 'gone'],
    ['h', 'gone'],
  ]);
  expect(new Set(observer.errors)).toEqual(new Set(['departures: no broker']));
});
