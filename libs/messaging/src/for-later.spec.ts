import { MemoryDatabase, MemoryStore } from '@order-events/store';
import { entry, eventually, VirtualRuntime } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { Notes } from '../test/counting';
import { Relay, Worker } from './index';

const HOUR_MS = 3_600_000;
const audit = { topics: [], take: () => [], run: () => Promise.resolve() };

test('in memory, what is for later comes when its time has come, once, also when another process publishes by then', async () => {
  const runtime = new VirtualRuntime();
  const database = new MemoryDatabase(runtime);
  const observer = new Notes();
  const onError = (error: Error) => void observer.errors.push(error.message);
  const transport = new MemoryTransport({ broker: new MemoryBroker(), onError, runtime });
  const process = () => {
    const store = new MemoryStore(database, runtime);
    const worker = new Worker({ store, transport, runtime, observer, audit });
    worker.start(new Relay({ store, transport, runtime, observer, batch: 10 }));
    const end = async () => {
      await worker.stop();
      await store.close();
    };
    return { store, end };
  };
  const came: { key: string; at: number }[] = [];
  const hasCome = (wanted: string) => came.some(({ key }) => key === wanted);
  const later = { ...entry('later'), delayMs: HOUR_MS };
  await transport.declare([{ topic: later.topic, groups: ['g'] }]);
  const subscription = await transport.subscribe({
    ...{ group: 'g', topics: [later.topic], batch: 10, waitMs: 0, inFlight: 10, parallel: 1 },
    handle: (batch) => Promise.resolve(void came.push(...batch.map(({ key }) => ({ key, at: runtime.elapsed() })))),
  });

  const first = process();
  await first.store.transact((tx) => tx.append([later, entry('now')]));
  await eventually(() => hasCome('now'));
  await first.end();
  const living = [process(), process()];
  await eventually(() => hasCome('later'));
  await living[0]!.store.transact((tx) => tx.append([entry('last')]));
  await eventually(() => hasCome('last'));
  for (const { end } of living) await end();
  await subscription.close();
  expect(came.map(({ key }) => key)).toEqual(['now', 'later', 'last']);
  expect(came[1]!.at).toBeGreaterThanOrEqual(HOUR_MS);
  expect(observer.errors).toEqual([]);
});
