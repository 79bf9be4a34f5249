import { StoreError, systemRuntime } from '@order-events/messaging';
import { counters, entry } from '@order-events/testing';
import { MemoryDatabase } from './database';
import { MemoryStore } from './store';

let database: MemoryDatabase;
const process = () => new MemoryStore(database, systemRuntime);
beforeEach(() => {
  database = new MemoryDatabase(systemRuntime);
});

const never = new Promise<void>(() => {});
const lock = (store: MemoryStore, ...keys: string[]) =>
  store.transact((tx) => tx.lock(counters, { counters: keys }).then(() => 'locked'));

/** A transaction that holds a row until it is told to go on, or for ever. */
function holding(store: MemoryStore, key: string, then: Promise<void>) {
  let end: Promise<unknown> | undefined;
  const held = new Promise<void>((resolve) => {
    end = store.transact(async (tx) => {
      await tx.lock(counters, { counters: [key] });
      resolve();
      await then;
    });
  });
  return { held, end: end! };
}

test('a deadlock is contention for the one who would close the circle, and the other goes on', async () => {
  const both = (first: string, second: string) =>
    process().transact(async (tx) => {
      await tx.lock(counters, { counters: [first] });
      await tx.lock(counters, { counters: [second] });
      await tx.append([entry(first)]);
    });
  const results = await Promise.allSettled([both('a', 'b'), both('b', 'a')]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { kind: 'contended' } });
  expect(database.outbox).toHaveLength(1);
});

test('a process that ends gives its locks back, and what it had not committed is gone', async () => {
  const [dying, living] = [process(), process()];
  const { held, end } = holding(dying, 'a', never);
  end.catch(() => {});
  await held;
  const waiting = lock(living, 'a');
  await dying.close();
  expect(await waiting).toBe('locked');
  await expect(dying.ping()).rejects.toThrow(StoreError);
  await expect(dying.transact(() => Promise.resolve())).rejects.toMatchObject({ kind: 'unavailable' });
});

test('what a process goes on to do after its end has no effect', async () => {
  const dying = process();
  const work = dying.transact(async (tx) => {
    await tx.take('g', [{ id: '1', topic: 't', key: 'k', state: 'applied' }]);
    await dying.close();
    await tx.append([entry('k')]);
  });
  await expect(work).rejects.toMatchObject({ kind: 'unavailable' });
  const committing = process();
  await expect(committing.transact(() => committing.close())).rejects.toMatchObject({ kind: 'unavailable' });
  expect(database.outbox).toEqual([]);
  expect(await process().transact((tx) => tx.held('g', ['1']))).toEqual(new Map());
});

test('a process that ends while it waits for a row stops waiting, and the next in the queue gets it', async () => {
  let release = () => {};
  const [holder, dying, next] = [process(), process(), process()];
  const { held, end } = holding(holder, 'a', new Promise((resolve) => (release = resolve)));
  await held;
  const given = lock(dying, 'a');
  const taken = lock(next, 'a');
  const refused = expect(given).rejects.toMatchObject({ kind: 'unavailable' });
  await dying.close();
  await refused;
  release();
  await end;
  expect(await taken).toBe('locked');
});

test('the lease of a process ends with it', async () => {
  const [dying, next] = [process(), process()];
  await next.transact((tx) => tx.append([entry('a')]));
  const [first, second] = [dying.outbox(), next.outbox()];
  expect(await first.lease(3_600_000)).toBe(true);
  expect(await second.lease(3_600_000)).toBe(false);
  await dying.close();
  expect(await second.lease(3_600_000)).toBe(true);
  expect(await second.page(10)).toMatchObject([{ key: 'a' }]);
  await expect(first.commit([])).rejects.toMatchObject({ kind: 'unavailable' });
});

test('the claims of a process end with it, but for those that it has given back for later', async () => {
  const [dying, next] = [process(), process()];
  const effect = (key: string) => ({ kind: 'call', key, idempotencyKey: key, input: {} });
  await next.transact((tx) => tx.intend([effect('a'), effect('b')]));
  const [, b] = await dying.claimEffects(['call'], 10, 3_600_000);
  await dying.deferEffect(b!.id, 'Error: no answer', 3_600_000);
  expect(await next.claimEffects(['call'], 10, 3_600_000)).toEqual([]);
  await dying.close();
  expect(await next.claimEffects(['call'], 10, 3_600_000)).toMatchObject([{ key: 'a', attempts: 1 }]);
});

test('a row that a decision changes in place is not changed for anybody else', async () => {
  const store = process();
  await store.transact(async (tx) => {
    const row = (await tx.lock(counters, { counters: ['a'] })).counters.get('a')!;
    row.count = 99;
  });
  const rows = await store.transact((tx) => tx.lock(counters, { counters: ['a'] }));
  expect(rows.counters.get('a')!.count).toBe(0);
});
