import { randomUUID } from 'node:crypto';
import type { Store } from '@order-events/messaging';
import { published } from './outbox';
import { applied, effect, entry } from './samples';
import { counters, type Counter } from './tables';
import type { TwoStores } from './under-test';

/** Rows, and that a transaction happens as a whole or not at all. */
export function rowsContract(under: TwoStores): void {
  describe('rows', () => {
    const count = (key: string) =>
      under.store.transact(async (tx) => (await tx.lock(counters, { counters: [key] })).counters.get(key));

    it('a missing row is made blank, and what is written is read', async () => {
      expect(await count('a')).toEqual({ name: 'a', version: 0, count: 0, note: null });
      const row: Counter = { name: 'a', version: 1, count: 9_007_199_254_740_991, note: { text: 'ü "x"' } };
      await under.store.transact(async (tx) => {
        await tx.lock(counters, { counters: ['a'] });
        await tx.write(counters, { counters: [row] });
      });
      expect(await count('a')).toEqual(row);
    });

    it('a table of found rows does not make any', async () => {
      const rows = await under.store.transact((tx) => tx.lock(counters, { marks: ['a'] }));
      expect(rows.marks.size).toBe(0);
      expect(rows.counters.size).toBe(0);
    });

    it('a transaction that rejects leaves nothing', async () => {
      const failed = under.store.transact(async (tx) => {
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
      expect(await published(under.store)).toEqual([]);
      expect(await under.store.claimEffects(['test.call'], 10, 1000)).toEqual([]);
    });

    it('nobody sees what is not committed', async () => {
      let commit = () => {};
      const told = new Promise<void>((resolve) => (commit = resolve));
      const id = randomUUID();
      let done: Promise<void> | undefined;
      await new Promise<void>((written, failed) => {
        done = under.store.transact(async (tx) => {
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
      const held = () => under.other.transact((tx) => tx.held('g', [id]));
      expect(await held()).toEqual(new Map());
      expect(await under.other.claimEffects(['test.call'], 10, 0)).toEqual([]);
      await under.other.transact((tx) => tx.append([entry('early')]));
      expect((await published(under.store)).map(({ key }) => key)).toEqual(['early']);
      commit();
      await done;
      expect(await held()).toEqual(new Map([[id, 'applied']]));
      expect(await under.other.claimEffects(['test.call'], 10, 0)).toHaveLength(1);
      // Its position is the lower one.
      expect((await published(under.store)).map(({ key }) => key)).toEqual(['late']);
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
        increment(i % 2 ? under.store : under.other, i % 3 ? ['a', 'b'] : ['b', 'a']),
      );
      await Promise.all(runs);
      expect(await count('a')).toMatchObject({ version: 20, count: 20 });
      expect(await count('b')).toMatchObject({ version: 20, count: 20 });
    });

    it('calls that are made together are carried out in their order: what is read after a lock was committed before', async () => {
      const id = randomUUID();
      let commit = () => {};
      const first = new Promise<void>((locked) => {
        void under.store.transact(async (tx) => {
          await tx.lock(counters, { counters: ['a'] });
          locked();
          await new Promise<void>((resolve) => (commit = resolve));
          await tx.take('g', [applied(id)]);
        });
      });
      await first;
      const second = under.other.transact((tx) =>
        Promise.all([tx.lock(counters, { counters: ['a'] }), tx.held('g', [id])]),
      );
      commit();
      const [, held] = await second;
      expect(held).toEqual(new Map([[id, 'applied']]));
    });
  });
}
