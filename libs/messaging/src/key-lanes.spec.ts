import { eventually } from '@order-events/testing';
import { KeyLanes } from './index';

interface Item {
  key: string;
  n: number;
}

/** A consumer whose calls end when they are told to, or at once. */
function consumer(options: Partial<{ batch: number; waitMs: number; inFlight: number; parallel: number }>) {
  const calls: { items: readonly Item[]; end(): void }[] = [];
  const handed: number[] = [];
  const busy = new Set<string>();
  let running = 0;
  const most = { calls: 0, items: 0 };
  let inCalls = 0;
  const lanes = new KeyLanes<Item>({
    ...{ batch: 10, waitMs: 1, inFlight: 100, parallel: 4 },
    ...options,
    run: async (items) => {
      for (const { key } of items) if (busy.has(key)) throw new Error(`${key} is in two calls`);
      for (const { key } of items) busy.add(key);
      most.calls = Math.max(most.calls, ++running);
      most.items = Math.max(most.items, (inCalls += items.length));
      await new Promise<void>((end) => calls.push({ items, end }));
      handed.push(...items.map(({ n }) => n));
      for (const { key } of items) busy.delete(key);
      inCalls -= items.length;
      running--;
    },
  });
  const add = (...keys: string[]) => keys.forEach((key, n) => lanes.add({ key, n }));
  /** Ends calls, the latest first, until so many items were handed over. */
  const drain = (count: number) =>
    eventually(() => {
      calls.pop()?.end();
      return handed.length === count;
    });
  return { lanes, calls, handed, most, add, drain };
}

test('no key is in two calls, and of one key the items come in the order of their arrival', async () => {
  const { add, drain, handed, most } = consumer({ batch: 3 });
  const keys = Array.from({ length: 60 }, (_, n) => `key-${(n * n) % 7}`);
  add(...keys);
  await drain(60);
  expect([...handed].sort((a, b) => a - b)).toEqual(keys.map((_, n) => n));
  for (const key of new Set(keys)) {
    const ofKey = handed.filter((n) => keys[n] === key);
    expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
  }
  expect(most.calls).toBeLessThanOrEqual(4);
});

test('the bounds of batch, parallel and inFlight hold', async () => {
  const { add, drain, most, calls } = consumer({ batch: 5, parallel: 3, inFlight: 8 });
  add(...Array.from({ length: 40 }, (_, n) => `key-${n}`));
  await eventually(() => calls.length === 2);
  expect(calls.map(({ items }) => items.length)).toEqual([5, 3]);
  await drain(40);
  expect(most).toEqual({ calls: 2, items: 8 });
});

test('a full batch goes at once, one that is not full when its time has come', async () => {
  const { lanes, add, calls } = consumer({ batch: 2, waitMs: 3_600_000 });
  add('a', 'b', 'c');
  expect(calls.map(({ items }) => items.map(({ key }) => key))).toEqual([['a', 'b']]);
  expect(lanes.clear()).toHaveLength(1);
  const soon = consumer({ batch: 2, waitMs: 1 });
  soon.add('a');
  expect(soon.calls).toEqual([]);
  await eventually(() => soon.calls.length === 1);
});

test('what is in no call can be taken away, and what is in one can be waited for', async () => {
  const { lanes, add, calls, handed } = consumer({ batch: 2 });
  add('a', 'b', 'a', 'b', 'a');
  await eventually(() => calls.length === 1);
  expect(lanes.clear().map(({ n }) => n)).toEqual([2, 3, 4]);
  const idle = lanes.idle();
  calls[0]!.end();
  await idle;
  expect(handed).toEqual([0, 1]);
  expect(calls).toHaveLength(1);
});
