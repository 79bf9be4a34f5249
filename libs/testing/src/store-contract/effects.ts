import type { EffectEntry } from '@order-events/messaging';
import { effect } from './samples';
import type { TwoStores } from './under-test';

/** Who may make a call, and when. */
export function effectsContract(under: TwoStores): void {
  describe('effects', () => {
    const intend = (...effects: EffectEntry[]) => under.store.transact((tx) => tx.intend(effects));
    const close = (...ids: string[]) => under.store.transact((tx) => tx.closeEffects(ids));

    it('of one key only the oldest open one can be claimed, and each by one runner', async () => {
      await intend(effect('a', 'one'), effect('a', 'two'), effect('b', 'one'));
      const claims = await Promise.all([
        under.store.claimEffects(['test.call'], 10, 60_000),
        under.other.claimEffects(['test.call'], 10, 60_000),
      ]);
      const claimed = claims.flat();
      expect(claimed.map(({ idempotencyKey }) => idempotencyKey).sort()).toEqual(['a.one', 'b.one']);
      expect(claimed[0]).toMatchObject({ kind: 'test.call', attempts: 0 });
      const first = claimed.find(({ key }) => key === 'a')!;
      expect(await close(first.id)).toEqual(new Set([first.id]));
      expect(await close(first.id)).toEqual(new Set());
      const [second] = await under.store.claimEffects(['test.call'], 10, 60_000);
      expect(second).toMatchObject({ idempotencyKey: 'a.two', input: { name: 'two' } });
    });

    it('the same idempotency key is the same effect', async () => {
      await intend(effect('a', 'one'));
      await intend(effect('a', 'one'), effect('a', 'one'));
      const [only] = await under.store.claimEffects(['test.call'], 10, 60_000);
      await close(only!.id);
      await intend(effect('a', 'one'));
      expect(await under.store.claimEffects(['test.call'], 10, 60_000)).toEqual([]);
    });

    it('one that is deferred comes again after the delay, one of another kind does not', async () => {
      await intend(effect('a', 'one'));
      expect(await under.store.claimEffects(['other.kind'], 10, 60_000)).toEqual([]);
      const [first] = await under.store.claimEffects(['test.call'], 10, 60_000);
      await under.store.deferEffect(first!.id, 'Error: no answer but \0', 3_600_000);
      expect(await under.store.claimEffects(['test.call'], 10, 60_000)).toEqual([]);
      await under.store.deferEffect(first!.id, 'Error: no answer', 0);
      const [again] = await under.store.claimEffects(['test.call'], 10, 0);
      expect(again).toMatchObject({ id: first!.id, attempts: 2 });
      const [afterLease] = await under.store.claimEffects(['test.call'], 10, 60_000);
      expect(afterLease).toMatchObject({ id: first!.id, attempts: 2 });
    });

    it('one that is deferred with its answer comes again with it', async () => {
      await intend(effect('a', 'one'));
      const [first] = await under.store.claimEffects(['test.call'], 10, 60_000);
      expect(first).not.toHaveProperty('answer');
      const answer = { outcome: 'sent', ids: [1, 'two'] };
      await under.store.deferEffect(first!.id, 'Error: a bug', 0, answer);
      expect(await under.other.claimEffects(['test.call'], 10, 60_000)).toMatchObject([{ id: first!.id, answer }]);
    });

    it('those that were called least often come first, and no more that were called at all than asked', async () => {
      await intend(...['a', 'b', 'c'].map((key) => effect(key, 'one')));
      const defer = async (keys: string[]) => {
        for (const { id, key } of await under.store.claimEffects(['test.call'], 10, 0))
          if (keys.includes(key)) await under.store.deferEffect(id, 'Error: no answer', 0);
      };
      await defer(['a', 'b', 'c']);
      await defer(['a', 'c']);
      await intend(effect('new', 'one'));
      expect(await under.other.claimEffects(['test.call'], 10, 60_000, 0)).toMatchObject([{ key: 'new', attempts: 0 }]);
      expect(await under.other.claimEffects(['test.call'], 10, 60_000, 1)).toMatchObject([{ key: 'b', attempts: 1 }]);
      expect(await under.other.claimEffects(['test.call'], 10, 60_000, 1)).toMatchObject([{ attempts: 2 }]);
      expect(await under.other.claimEffects(['test.call'], 10, 60_000)).toMatchObject([{ attempts: 2 }]);
    });

    it('so many as asked for that were called at all come before those that were not', async () => {
      await intend(...['a', 'b', 'c'].map((key) => effect(key, 'one')));
      for (const { id } of await under.store.claimEffects(['test.call'], 10, 0))
        await under.store.deferEffect(id, 'Error: no answer', 0);
      await intend(...['d', 'e', 'f'].map((key) => effect(key, 'one')));
      const turns = async (limit: number, most: number, first: number) =>
        (await under.other.claimEffects(['test.call'], limit, 60_000, most, first))
          .map(({ attempts }) => attempts)
          .sort();
      expect(await turns(2, 2, 1)).toEqual([0, 1]);
      expect(await turns(1, 2, 2)).toEqual([1]);
      expect(await turns(10, 0, 2)).toEqual([0, 0]);
      expect(await turns(10, 10, 10)).toEqual([1]);
    });

    it('an outside that is away is asked by one process in a while, with what was never tried first', async () => {
      await intend(effect('a', 'one'), effect('b', 'one'), effect('c', 'one'));
      const tried = await under.store.claimEffects(['test.call'], 2, 60_000);
      expect(tried).toHaveLength(2);
      for (const { id } of tried) await under.store.deferEffect(id, 'Error: no answer', 0);
      const hour = 3_600_000;
      await under.store.outsideIsAway();
      await under.other.outsideIsAway();
      const first = await under.store.probeOutside(['test.call'], 60_000, hour);
      expect(first).toMatchObject([{ attempts: 0 }]);
      expect(await under.other.probeOutside(['test.call'], 60_000, hour)).toEqual([]);
      const [second, third] = [
        await under.other.probeOutside(['test.call'], 60_000, 0),
        await under.store.probeOutside(['test.call'], 60_000, 0),
      ];
      expect([...second, ...third]).toHaveLength(2);
      for (const { id } of tried) expect([...second, ...third]).toContainEqual(expect.objectContaining({ id }));
      expect(await under.store.probeOutside(['test.call'], 60_000, 0)).toEqual([]);
      await under.store.outsideIsBack();
      expect(await under.other.probeOutside(['test.call'], 60_000, 0)).toBe('back');
    });

    it('an outside of which nothing is wanted any more is not away', async () => {
      await under.store.outsideIsAway();
      expect(await under.store.probeOutside(['test.call'], 60_000, 0)).toBe('back');
    });

    it('whoever has lost an effect to another runner cannot give it back', async () => {
      await intend(effect('a', 'one'));
      const [lost] = await under.store.claimEffects(['test.call'], 10, 0);
      expect(await under.other.claimEffects(['test.call'], 10, 60_000)).toMatchObject([{ id: lost!.id }]);
      await under.store.deferEffect(lost!.id, 'Error: no answer', 0);
      expect(await under.store.claimEffects(['test.call'], 10, 60_000)).toEqual([]);
    });
  });
}
