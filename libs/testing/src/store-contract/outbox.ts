import type { OutboxEntry, Store } from '@order-events/messaging';
import { effect, entry } from './samples';
import type { TwoStores } from './under-test';

/** Reads what nobody has read yet. */
export async function published(store: Store, limit = 100): Promise<OutboxEntry[]> {
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

/** Reading the outbox, and being woken. */
export function outboxContract(under: TwoStores): void {
  describe('outbox', () => {
    it('is read once, in order, in pages, as it was written', async () => {
      const entries = Array.from({ length: 25 }, (_, i) => entry(`k${i}`, `{"n":${i}}`));
      for (const part of [entries.slice(0, 7), entries.slice(7)]) await under.store.transact((tx) => tx.append(part));
      const read = await published(under.store, 10);
      expect(read.map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
      expect(read[3]).toMatchObject({ topic: 'order.created', key: 'k3', headers: { 'ce-id': 'x' } });
      expect(Buffer.from(read[3]!.body).toString()).toBe('{"n":3}');
      expect(await published(under.store)).toEqual([]);
    });

    it('is read in pages that end where their bodies fill them, and nothing is passed over there', async () => {
      const body = 'x'.repeat(700_000);
      const entries = Array.from({ length: 13 }, (_, i) => entry(`k${i}`, body));
      await under.store.transact((tx) => tx.append(entries));
      const reader = under.store.outbox();
      await reader.lease(60_000);
      const pages: string[][] = [];
      for (let page = await reader.page(100); page.length > 0; page = await reader.page(100)) {
        pages.push(page.map(({ id }) => id));
        expect(page.every((record) => record.body.byteLength === body.length)).toBe(true);
        await reader.commit([]);
      }
      await reader.release();
      // 4 MiB are reached with the sixth.
      expect(pages.map(({ length }) => length)).toEqual([6, 6, 1]);
      expect(pages.flat()).toEqual(entries.map(({ id }) => id));
    });

    it('has one reader at a time; the next goes on at the last lasting place', async () => {
      await under.store.transact((tx) => tx.append([entry('a'), entry('b'), entry('c')]));
      const [mine, theirs] = [under.store.outbox(), under.other.outbox()];
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
      await under.store.transact((tx) => tx.append([entry('a'), entry('b')]));
      const reader = under.store.outbox();
      await reader.lease(60_000);
      await reader.page(1);
      await reader.commit([]);
      await reader.page(1);
      reader.rewind();
      expect(await reader.page(10)).toMatchObject([{ key: 'b' }]);
      await reader.release();
    });

    it('a paused owner cannot move a place that somebody else has taken over', async () => {
      await under.store.transact((tx) => tx.append([entry('a'), entry('b')]));
      const [paused, next] = [under.store.outbox(), under.other.outbox()];
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
      await under.store.transact((tx) => tx.append([entry('a')]));
      const reader = under.store.outbox();
      await reader.lease(60_000);
      const [record] = await reader.page(10);
      await reader.commit([{ record: record!, error: 'too large' }]);
      expect(await reader.page(10)).toEqual([]);
      await reader.release();
      const held = await under.store.transact((tx) => tx.held('relay', [record!.id]));
      expect(held.get(record!.id)).toBe('dead');
    });

    it('tells the age of the oldest record that is not read', async () => {
      expect(await under.store.outboxStatus()).toEqual({ oldestMs: 0 });
      await under.store.transact((tx) => tx.append([entry('a'), entry('b')]));
      const reader = under.store.outbox();
      await reader.lease(60_000);
      await reader.page(1);
      await reader.commit([]);
      expect((await under.store.outboxStatus()).oldestMs).toBeGreaterThan(0);
      await reader.page(10);
      await reader.commit([]);
      expect(await under.store.outboxStatus()).toEqual({ oldestMs: 0 });
      await reader.release();
    });

    it('wakes those who wait, here and elsewhere', async () => {
      const never = new AbortController().signal;
      const long = 3_600_000;
      const waits = [under.store.wait('outbox', long, never), under.other.wait('outbox', long, never)];
      await under.store.transact((tx) => tx.append([entry('a')]));
      await Promise.all(waits);
      await under.store.transact((tx) => tx.intend([effect('a', 'x')]));
      await under.store.wait('effects', long, never);
      const stop = new AbortController();
      const stopped = under.store.wait('effects', long, stop.signal);
      stop.abort();
      await stopped;
    });
  });
}
