import { eventually } from '../eventually';
import { published } from './outbox';
import { entry } from './samples';
import type { TwoStores } from './under-test';

/** Events for later. */
export function scheduleContract(under: TwoStores): void {
  describe('schedule', () => {
    const keys = async () => (await published(under.store)).map(({ key }) => key);

    it('keeps an event until its time has come, and then it is published as it was, once, whoever moves it', async () => {
      const later = { ...entry('later', '{"n":1}'), delayMs: 50 };
      await under.store.transact((tx) => tx.append([entry('now'), later, { ...entry('last'), delayMs: 3_600_000 }]));
      expect(await keys()).toEqual(['now']);
      let moved = 0;
      await eventually(async () => {
        for (const count of await Promise.all([under.store.appendDue(10), under.other.appendDue(10)])) moved += count;
        return moved > 0;
      });
      expect(moved).toBe(1);
      const [record] = await published(under.other);
      expect(record).toMatchObject({ id: later.id, topic: later.topic, key: 'later', headers: later.headers });
      expect(Buffer.from(record!.body).toString()).toBe('{"n":1}');
      expect(record).not.toHaveProperty('delayMs');
      expect(await under.store.appendDue(10)).toBe(0);
      expect(await keys()).toEqual([]);
    });

    it('moves as many as it is told to, what is due for longest first', async () => {
      const delayed = (key: string, delayMs: number) => ({ ...entry(key), delayMs });
      await under.store.transact((tx) => tx.append([delayed('c', -1_000), delayed('a', -3_000), delayed('b', -2_000)]));
      expect(await under.store.appendDue(2)).toBe(2);
      expect(await under.store.appendDue(2)).toBe(1);
      expect(await keys()).toEqual(['a', 'b', 'c']);
    });

    it('keeps nothing of a transaction that failed', async () => {
      const failing = under.store.transact(async (tx) => {
        await tx.append([{ ...entry(), delayMs: 0 }]);
        throw new Error('not this time');
      });
      await expect(failing).rejects.toThrow('not this time');
      expect(await under.store.appendDue(10)).toBe(0);
    });
  });
}
