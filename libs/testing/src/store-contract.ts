import type { EffectEntry, InboxEntry, Message, OutboxEntry, Row, Store, Table } from '@order-events/messaging';
import { randomUUID } from 'node:crypto';

/** A table for the suite; the store under test must have it, empty. */
export interface Counter extends Row {
  name: string;
  count: number;
  note: { text: string } | null;
}

const counter: Table<Counter> = {
  name: 'counters',
  key: 'name',
  columns: { name: 'text', version: 'integer', count: 'bigint', note: 'json' },
  rows: 'made',
  blank: (name) => ({ name, version: 0, count: 0, note: null }),
};

type Mark = Row & { name: string };
const mark: Table<Mark> = { name: 'marks', key: 'name', columns: { name: 'text', version: 'integer' }, rows: 'found' };

export const counters = {
  counters: counter,
  marks: mark,
  journal: { ...mark, name: 'journal', rows: 'appended' as const },
};

/** SQL for a store that needs it. */
export const counterTables = `
  CREATE TABLE counters (name text PRIMARY KEY, version integer NOT NULL DEFAULT 0, count bigint NOT NULL DEFAULT 0 CHECK (count >= 0), note jsonb);
  CREATE TABLE marks (name text PRIMARY KEY, version integer NOT NULL DEFAULT 0);
  CREATE TABLE journal (name text NOT NULL, version integer NOT NULL);`;

export function message(key = 'k', body = '{}'): Message {
  return { topic: 'order.created', key, headers: { 'ce-id': 'x' }, body: Buffer.from(body) };
}

export function entry(key = 'k', body = '{}'): OutboxEntry {
  return { id: randomUUID(), ...message(key, body) };
}

function effect(key: string, name: string): EffectEntry {
  return { kind: 'test.call', key, idempotencyKey: `${key}.${name}`, input: { name } };
}

export interface StoreUnderTest {
  store: Store;
  /** A second instance on the same data, as another process would have. */
  other: Store;
  close(): Promise<void>;
}

/** What every store must do. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store contract`, () => {
    let test: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      test = await open();
      store = test.store;
    });
    afterEach(() => test.close());

    const count = (key: string) =>
      store.transact(async (tx) => (await tx.lock(counters, { counters: [key] })).counters.get(key));

    async function published(limit = 100): Promise<OutboxEntry[]> {
      const reader = store.outbox();
      await reader.lease(10_000);
      const records: OutboxEntry[] = [];
      for (let page = await reader.page(limit); page.length > 0; page = await reader.page(limit)) {
        records.push(...page);
        await reader.commit([]);
      }
      await reader.release();
      return records;
    }

    describe('rows', () => {
      it('a missing row is made blank, and what is written is read', async () => {
        expect(await count('a')).toEqual({ name: 'a', version: 0, count: 0, note: null });
        const row: Counter = { name: 'a', version: 1, count: 9_007_199_254_740_991, note: { text: 'ü "x"' } };
        await store.transact(async (tx) => {
          await tx.lock(counters, { counters: ['a'] });
          await tx.write(counters, { counters: [row] });
        });
        expect(await count('a')).toEqual(row);
      });

      it('a table of found rows does not make any', async () => {
        const rows = await store.transact((tx) => tx.lock(counters, { marks: ['a'] }));
        expect(rows.marks.size).toBe(0);
        expect(rows.counters.size).toBe(0);
      });

      it('a transaction that rejects leaves nothing', async () => {
        const failed = store.transact(async (tx) => {
          await tx.lock(counters, { counters: ['a'] });
          await tx.write(counters, {
            counters: [{ name: 'a', version: 1, count: 5, note: null }],
            journal: [{ name: 'a', version: 1 }],
          });
          await tx.take('g', [applied(randomUUID())]);
          await tx.intend([effect('a', 'one')]);
          await tx.append([entry()]);
          throw new Error('changed my mind');
        });
        await expect(failed).rejects.toThrow('changed my mind');
        expect(await count('a')).toMatchObject({ version: 0, count: 0 });
        expect(await published()).toEqual([]);
        expect(await store.claimEffects(['test.call'], 10, 1000)).toEqual([]);
      });

      it('nobody sees what is not committed', async () => {
        let commit = () => {};
        const told = new Promise<void>((resolve) => (commit = resolve));
        const id = randomUUID();
        let done: Promise<void> | undefined;
        await new Promise<void>((written, failed) => {
          done = store.transact(async (tx) => {
            await tx.write(counters, { journal: [{ name: 'a', version: 1 }] });
            await tx.take('g', [applied(id)]);
            await tx.intend([effect('a', 'one')]);
            await tx.append([entry('late')]);
            expect(await tx.held('g', [id])).toEqual(new Map([[id, 'applied']]));
            written();
            await told;
          });
          done.catch(failed);
        });
        const held = () => test.other.transact((tx) => tx.held('g', [id]));
        expect(await held()).toEqual(new Map());
        expect(await test.other.claimEffects(['test.call'], 10, 0)).toEqual([]);
        await test.other.transact((tx) => tx.append([entry('early')]));
        expect((await published()).map(({ key }) => key)).toEqual(['early']);
        commit();
        await done;
        expect(await held()).toEqual(new Map([[id, 'applied']]));
        expect(await test.other.claimEffects(['test.call'], 10, 0)).toHaveLength(1);
        // Its position is the lower one.
        expect((await published()).map(({ key }) => key)).toEqual(['late']);
      });

      it('two transactions that lock the same keys take turns, also from "no row"', async () => {
        const increment = (on: Store, keys: string[]) =>
          on.transact(async (tx) => {
            const rows = await tx.lock(counters, { counters: keys });
            const next = keys.map((key) => {
              const row = rows.counters.get(key)!;
              return { ...row, version: row.version + 1, count: row.count + 1 };
            });
            await tx.write(counters, { counters: next });
          });
        const runs = Array.from({ length: 20 }, (_, i) =>
          increment(i % 2 ? store : test.other, i % 3 ? ['a', 'b'] : ['b', 'a']),
        );
        await Promise.all(runs);
        expect(await count('a')).toMatchObject({ version: 20, count: 20 });
        expect(await count('b')).toMatchObject({ version: 20, count: 20 });
      });
    });

    describe('inbox', () => {
      it('holds what was taken, by group, in its newest state', async () => {
        const [one, two] = [randomUUID(), randomUUID()];
        await store.transact((tx) => tx.take('g', [applied(one), retrying(two, 60_000)]));
        const held = (group: string) => store.transact((tx) => tx.held(group, [one, two, randomUUID()]));
        expect(await held('g')).toEqual(
          new Map([
            [one, 'applied'],
            [two, 'retrying'],
          ]),
        );
        expect(await held('other')).toEqual(new Map());
        await store.transact((tx) => tx.take('g', [{ ...applied(two), retried: true }]));
        expect((await held('g')).get(two)).toBe('applied');
      });

      it('a failure is due again after its delay, once for all who ask, and no more when it was applied', async () => {
        const [soon, late] = [randomUUID(), randomUUID()];
        await store.transact((tx) => tx.take('g', [retrying(soon, 0), retrying(late, 3_600_000)]));
        const [mine, theirs] = await Promise.all([store.dueRetries('g', 10), test.other.dueRetries('g', 10)]);
        expect([...mine, ...theirs]).toMatchObject([
          { id: soon, attempts: 1, message: { topic: 'order.created', key: 'k' } },
        ]);
        expect(Buffer.from([...mine, ...theirs][0]!.message.body).toString()).toBe('{}');
        await store.transact((tx) => tx.take('g', [{ ...retrying(soon, 0), retried: true }]));
        expect(await store.dueRetries('g', 10)).toHaveLength(1);
        await store.transact((tx) => tx.take('g', [{ ...retrying(soon, 0), retried: true }]));
        await store.transact((tx) => tx.take('g', [{ ...applied(soon), retried: true }]));
        expect(await store.dueRetries('g', 10)).toEqual([]);
      });
    });

    it('what one has applied, another that fails at it at the same time does not bring back', async () => {
      const id = randomUUID();
      await store.transact(async (tx) => {
        // Of an event whose keys cannot be locked nobody else is held up.
        expect(await tx.held('g', [id])).toEqual(new Map());
        await test.other.transact((theirs) => theirs.take('g', [applied(id)]));
        await tx.take('g', [retrying(id, 0)]);
      });
      expect(await store.transact((tx) => tx.held('g', [id]))).toEqual(new Map([[id, 'applied']]));
      expect(await store.dueRetries('g', 10)).toEqual([]);
    });

    it('keeps failures with whatever characters they came', async () => {
      const [id, again] = [randomUUID(), randomUUID()];
      const odd = { ...message('k\0', '\0'), topic: 't\0', headers: { 'ce-odd': '\0 \ud800' } };
      const failure = { message: odd, error: "Unexpected token '\0'", attempts: 1 };
      await store.transact((tx) =>
        tx.take('g', [
          { id, topic: odd.topic, key: odd.key, state: 'dead', failure },
          { id: again, topic: odd.topic, key: odd.key, state: 'retrying', failure: { ...failure, delayMs: 0 } },
        ]),
      );
      expect((await store.dueRetries('g', 10)).map((retry) => [retry.id, Buffer.from(retry.message.body)])).toEqual([
        [again, Buffer.from('\0')],
      ]);
    });

    describe('effects', () => {
      const intend = (...effects: EffectEntry[]) => store.transact((tx) => tx.intend(effects));
      const close = (...ids: string[]) => store.transact((tx) => tx.closeEffects(ids));

      it('of one key only the oldest open one can be claimed, and each by one runner', async () => {
        await intend(effect('a', 'one'), effect('a', 'two'), effect('b', 'one'));
        const claims = await Promise.all([
          store.claimEffects(['test.call'], 10, 60_000),
          test.other.claimEffects(['test.call'], 10, 60_000),
        ]);
        const claimed = claims.flat();
        expect(claimed.map(({ idempotencyKey }) => idempotencyKey).sort()).toEqual(['a.one', 'b.one']);
        expect(claimed[0]).toMatchObject({ kind: 'test.call', attempts: 0 });
        const first = claimed.find(({ key }) => key === 'a')!;
        expect(await close(first.id)).toEqual(new Set([first.id]));
        expect(await close(first.id)).toEqual(new Set());
        const [second] = await store.claimEffects(['test.call'], 10, 60_000);
        expect(second).toMatchObject({ idempotencyKey: 'a.two', input: { name: 'two' } });
      });

      it('the same idempotency key is the same effect', async () => {
        await intend(effect('a', 'one'));
        await intend(effect('a', 'one'), effect('a', 'one'));
        const [only] = await store.claimEffects(['test.call'], 10, 60_000);
        await close(only!.id);
        await intend(effect('a', 'one'));
        expect(await store.claimEffects(['test.call'], 10, 60_000)).toEqual([]);
      });

      it('one that is deferred comes again after the delay, one of another kind does not', async () => {
        await intend(effect('a', 'one'));
        expect(await store.claimEffects(['other.kind'], 10, 60_000)).toEqual([]);
        const [first] = await store.claimEffects(['test.call'], 10, 60_000);
        await store.deferEffect(first!.id, 'Error: no answer but \0', 3_600_000);
        expect(await store.claimEffects(['test.call'], 10, 60_000)).toEqual([]);
        await store.deferEffect(first!.id, 'Error: no answer', 0);
        const [again] = await store.claimEffects(['test.call'], 10, 0);
        expect(again).toMatchObject({ id: first!.id, attempts: 1 });
        const [afterLease] = await store.claimEffects(['test.call'], 10, 60_000);
        expect(afterLease).toMatchObject({ id: first!.id, attempts: 2 });
      });

      it('whoever has lost an effect to another runner cannot give it back', async () => {
        await intend(effect('a', 'one'));
        const [lost] = await store.claimEffects(['test.call'], 10, 0);
        expect(await test.other.claimEffects(['test.call'], 10, 60_000)).toMatchObject([{ id: lost!.id }]);
        await store.deferEffect(lost!.id, 'Error: no answer', 0);
        expect(await store.claimEffects(['test.call'], 10, 60_000)).toEqual([]);
      });
    });

    describe('outbox', () => {
      it('is read once, in order, in pages, as it was written', async () => {
        const entries = Array.from({ length: 25 }, (_, i) => entry(`k${i}`, `{"n":${i}}`));
        for (const part of [entries.slice(0, 7), entries.slice(7)]) await store.transact((tx) => tx.append(part));
        const read = await published(10);
        expect(read.map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
        expect(read[3]).toMatchObject({ topic: 'order.created', key: 'k3', headers: { 'ce-id': 'x' } });
        expect(Buffer.from(read[3]!.body).toString()).toBe('{"n":3}');
        expect(await published()).toEqual([]);
      });

      it('has one reader at a time; the next goes on at the last lasting place', async () => {
        await store.transact((tx) => tx.append([entry('a'), entry('b'), entry('c')]));
        const [mine, theirs] = [store.outbox(), test.other.outbox()];
        expect(await mine.lease(60_000)).toBe(true);
        expect(await theirs.lease(60_000)).toBe(false);
        expect(await mine.page(1)).toMatchObject([{ key: 'a' }]);
        await mine.commit([]);
        expect(await mine.page(1)).toMatchObject([{ key: 'b' }]);
        await mine.release();
        expect(await theirs.lease(60_000)).toBe(true);
        expect(await theirs.page(10)).toMatchObject([{ key: 'b' }, { key: 'c' }]);
        await theirs.release();
      });

      it('goes back to the last lasting place on rewind', async () => {
        await store.transact((tx) => tx.append([entry('a'), entry('b')]));
        const reader = store.outbox();
        await reader.lease(60_000);
        await reader.page(1);
        await reader.commit([]);
        await reader.page(1);
        reader.rewind();
        expect(await reader.page(10)).toMatchObject([{ key: 'b' }]);
        await reader.release();
      });

      it('a paused owner cannot move a place that somebody else has taken over', async () => {
        await store.transact((tx) => tx.append([entry('a'), entry('b')]));
        const [paused, next] = [store.outbox(), test.other.outbox()];
        expect(await paused.lease(0)).toBe(true);
        await paused.page(1);
        expect(await next.lease(60_000)).toBe(true);
        expect(await next.page(1)).toMatchObject([{ key: 'a' }]);
        await expect(paused.commit([])).rejects.toThrow('lost');
        await next.commit([]);
        expect(await next.page(1)).toMatchObject([{ key: 'b' }]);
        expect(await paused.lease(60_000)).toBe(false);
        await next.release();
      });

      it('a refused record becomes a dead letter of the relay, and the place moves past it', async () => {
        await store.transact((tx) => tx.append([entry('a')]));
        const reader = store.outbox();
        await reader.lease(60_000);
        const [record] = await reader.page(10);
        await reader.commit([{ record: record!, error: 'too large' }]);
        expect(await reader.page(10)).toEqual([]);
        await reader.release();
        const held = await store.transact((tx) => tx.held('relay', [record!.id]));
        expect(held.get(record!.id)).toBe('dead');
      });

      it('tells the age of the oldest record that is not read', async () => {
        expect(await store.outboxStatus()).toEqual({ oldestMs: 0 });
        await store.transact((tx) => tx.append([entry('a'), entry('b')]));
        const reader = store.outbox();
        await reader.lease(60_000);
        await reader.page(1);
        await reader.commit([]);
        expect((await store.outboxStatus()).oldestMs).toBeGreaterThan(0);
        await reader.page(10);
        await reader.commit([]);
        expect(await store.outboxStatus()).toEqual({ oldestMs: 0 });
        await reader.release();
      });

      it('wakes those who wait, here and elsewhere', async () => {
        const never = new AbortController().signal;
        const long = 3_600_000;
        const waits = [store.wait('outbox', long, never), test.other.wait('outbox', long, never)];
        await store.transact((tx) => tx.append([entry('a')]));
        await Promise.all(waits);
        await store.transact((tx) => tx.intend([effect('a', 'x')]));
        await store.wait('effects', long, never);
        const stop = new AbortController();
        const stopped = store.wait('effects', long, stop.signal);
        stop.abort();
        await stopped;
      });
    });
  });
}

function applied(id: string): InboxEntry {
  return { id, topic: 'order.created', key: 'k', state: 'applied' };
}

function retrying(id: string, delayMs: number): InboxEntry {
  const failure = { message: message(), error: 'Error: not now', attempts: 1, delayMs };
  return { id, topic: 'order.created', key: 'k', state: 'retrying', failure };
}
