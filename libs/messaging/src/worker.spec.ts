import { MemoryDatabase, MemoryStore } from '@order-events/store';
import { eventually } from '@order-events/testing';
import { Notes } from '../test/counting';
import { systemRuntime, Worker, type Subscribe } from './index';

const audit = { topics: [], take: () => [], run: () => Promise.resolve() };
const consumed = {
  ...{ group: 'g', topics: ['things'] },
  ...{ batch: 1, waitMs: 0, inFlight: 1, parallel: 1 },
  pipeline: () => ({ handle: () => Promise.resolve(), retryDue: () => Promise.resolve(0) }),
  pauses: { isPaused: () => Promise.resolve(false), pause: () => Promise.resolve() },
  presence: { name: 'me', watch: () => Promise.resolve(['gone']), leave: () => Promise.resolve() },
};

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
  const observer = new Notes();
  const store = new MemoryStore(new MemoryDatabase(systemRuntime), systemRuntime);
  const worker = new Worker({ store, transport, runtime: systemRuntime, observer, audit });
  await worker.consume({ ...consumed, atMostOnce: { group: 'h', topics: ['others'] } });
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

test('a broker that cannot be told is asked less and less often, and as at first when it could be', async () => {
  const pauses: number[] = [];
  let released = 0;
  const transport = {
    publish: () => Promise.resolve([]),
    subscribe: () => Promise.resolve({ close: () => Promise.resolve() }),
    release: () => (++released === 8 ? Promise.resolve() : Promise.reject(new Error('no broker'))),
  };
  // Every pause is cut short; those of a jitter that is always at its most are told from all others by their length.
  const runtime = {
    ...systemRuntime,
    random: () => 1,
    sleep: (ms: number, signal?: AbortSignal) => {
      if ([100, 200, 400, 800, 1_600, 2_000].includes(ms)) pauses.push(ms);
      return systemRuntime.sleep(1, signal);
    },
  };
  let ended = ['gone'];
  const store = new MemoryStore(new MemoryDatabase(runtime), runtime);
  const worker = new Worker({ store, transport, runtime, observer: new Notes(), audit });
  const presence = { ...consumed.presence, watch: () => Promise.resolve(ended) };
  await worker.consume({ ...consumed, presence });
  await eventually(() => released >= 8);
  ended = ['another'];
  await eventually(() => pauses.length >= 9);
  await worker.stop();
  expect(pauses.slice(0, 9)).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 100, 200]);
});
