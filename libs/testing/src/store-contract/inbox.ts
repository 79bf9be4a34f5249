import { randomUUID } from 'node:crypto';
import { MAX_BODY_BYTES, PAGE_BYTES, read, type Arrival, type InboxEntry, type Retry } from '@order-events/messaging';
import { applied, message, retrying } from './samples';
import type { TwoStores } from './under-test';

/** What was taken, in which state, and when it is due again. */
export function inboxContract(under: TwoStores): void {
  describe('inbox', () => {
    it('holds what was taken, by group, in its newest state', async () => {
      const [one, two] = [randomUUID(), randomUUID()];
      await under.store.transact((tx) => tx.take('g', [applied(one), retrying(two, 60_000)]));
      const held = (group: string) => under.store.transact((tx) => tx.held(group, [one, two, randomUUID()]));
      expect(await held('g')).toEqual(
        new Map([
          [one, 'applied'],
          [two, 'retrying'],
        ]),
      );
      expect(await held('other')).toEqual(new Map());
      await under.store.transact((tx) => tx.take('g', [{ ...applied(two), retried: true }]));
      expect((await held('g')).get(two)).toBe('applied');
    });

    it('knows of what lies below the horizon only what it holds', async () => {
      const [one, two, old, young] = ['a', 'b', 'c', 'd'].map((last) => `018f0000-0000-7000-8000-00000000000${last}`);
      // Says no time: a UUIDv4 of the same digits.
      const timeless = '018f0000-0000-4000-8000-00000000000a';
      await under.store.transact((tx) => tx.take('g', [applied(one!), retrying(two!, 0)]));
      await under.moveHorizon(young!);
      const asked = [old!, timeless, two!, young!, one!];
      expect(await under.other.transact((tx) => tx.held('g', asked))).toEqual(
        new Map([
          [one, 'applied'],
          [two, 'retrying'],
          [old, 'forgotten'],
        ]),
      );
      expect((await under.other.transact((tx) => tx.held('other', [one!]))).get(one!)).toBe('forgotten');
    });

    it('a failure is due again after its delay, once for all who ask, and no more when it was applied', async () => {
      const [soon, late] = [randomUUID(), randomUUID()];
      await under.store.transact((tx) => tx.take('g', [retrying(soon, 0), retrying(late, 3_600_000)]));
      const [mine, theirs] = await Promise.all([under.store.dueRetries('g', 10), under.other.dueRetries('g', 10)]);
      expect([...mine, ...theirs]).toMatchObject([
        { id: soon, attempts: 1, message: { topic: 'order.created', key: 'k' } },
      ]);
      expect(Buffer.from([...mine, ...theirs][0]!.message.body).toString()).toBe('{}');
      await under.store.transact((tx) => tx.take('g', [{ ...retrying(soon, 0), retried: true }]));
      expect(await under.store.dueRetries('g', 10)).toHaveLength(1);
      await under.store.transact((tx) => tx.take('g', [{ ...retrying(soon, 0), retried: true }]));
      await under.store.transact((tx) => tx.take('g', [{ ...applied(soon), retried: true }]));
      expect(await under.store.dueRetries('g', 10)).toEqual([]);
    });

    it('keeps how many tries were begun and not heard of, until one was', async () => {
      const id = randomUUID();
      const begun = retrying(id, 0);
      await under.store.transact((tx) => tx.take('g', [{ ...begun, failure: { ...begun.failure!, crashes: 2 } }]));
      expect(await under.other.dueRetries('g', 10)).toMatchObject([{ id, crashes: 2 }]);
      await under.store.transact((tx) => tx.take('g', [begun]));
      expect((await under.store.dueRetries('g', 10)).map(({ crashes }) => crashes)).toEqual([undefined]);
    });

    it('what another fails at while one applies it is not tried again', async () => {
      const id = randomUUID();
      await under.store.transact(async (tx) => {
        expect(await tx.held('g', [id])).toEqual(new Map());
        await under.other.transact((theirs) => theirs.take('g', [retrying(id, 0)]));
        await tx.take('g', [applied(id)]);
      });
      expect(await under.store.dueRetries('g', 10)).toEqual([]);
    });

    it('of what is due so much is fetched at once as fits into a page', async () => {
      const [first, second, third] = [0, 1, 2].map(() => randomUUID());
      const large = { ...message(), body: Buffer.alloc(PAGE_BYTES / 2 + 1) };
      for (const id of [first!, second!, third!]) {
        const entry = retrying(id, 0);
        await under.store.transact((tx) =>
          tx.take('g', [{ ...entry, failure: { ...entry.failure!, message: large } }]),
        );
      }
      const ids = async () => (await under.store.dueRetries('g', 10)).map(({ id }) => id).sort();
      expect(await ids()).toEqual([first, second].sort());
      expect(await ids()).toEqual([third]);
    });

    it('what one has applied, another that fails at it at the same time does not bring back', async () => {
      const id = randomUUID();
      await under.store.transact(async (tx) => {
        // Of an event whose keys cannot be locked nobody else is held up.
        expect(await tx.held('g', [id])).toEqual(new Map());
        await under.other.transact((theirs) => theirs.take('g', [applied(id)]));
        await tx.take('g', [retrying(id, 0)]);
      });
      expect(await under.store.transact((tx) => tx.held('g', [id]))).toEqual(new Map([[id, 'applied']]));
      expect(await under.store.dueRetries('g', 10)).toEqual([]);
    });

    it.each(['applied', 'discarded'] as const)('nothing takes an event out of the state %s', async (state) => {
      const id = randomUUID();
      await under.store.transact((tx) => tx.take('g', [{ ...applied(id), state }]));
      await under.store.transact((tx) => tx.take('g', [retrying(id, 0)]));
      expect(await under.store.transact((tx) => tx.held('g', [id]))).toEqual(new Map([[id, state]]));
      expect(await under.store.dueRetries('g', 10)).toEqual([]);
    });

    it.each(['applied', 'discarded'] as const)(
      'a settled retry that was ended elsewhere, as %s, is contended, and leaves nothing of what came with it',
      async (state) => {
        const id = randomUUID();
        const [mine, theirs] = [applied(randomUUID()), { ...applied(id), state }];
        await under.store.transact((tx) => tx.take('g', [retrying(id, 0)]));
        const settling = under.store.transact(async (tx) => {
          expect(await tx.held('g', [id])).toEqual(new Map([[id, 'retrying']]));
          await under.other.transact((elsewhere) => elsewhere.take('g', [theirs]));
          await tx.take('g', [mine, { ...applied(id), retried: true }]);
        });
        await expect(settling).rejects.toMatchObject({ kind: 'contended' });
        expect(await under.store.transact((tx) => tx.held('g', [id, mine.id]))).toEqual(new Map([[id, state]]));
      },
    );

    it('keeps the longest message that is read whole, and of a batch of longer ones what tells that they were', async () => {
      const filed = (bytes: number): InboxEntry => {
        const { message: kept } = read({ ...message(), body: Buffer.alloc(bytes, 'x') });
        const entry = retrying(randomUUID(), 0);
        return { ...entry, failure: { ...entry.failure!, message: kept } };
      };
      const longest = filed(MAX_BODY_BYTES);
      const longer = Array.from({ length: 100 }, () => filed(MAX_BODY_BYTES + 1));
      await under.store.transact((tx) => tx.take('g', [longest, ...longer]));
      const found = new Map<string, Arrival>();
      for (let due: Retry[]; (due = await under.store.dueRetries('g', 200)).length > 0;)
        for (const retry of due) found.set(retry.id, read(retry.message, retry));
      const whole = found.get(longest.id)!;
      expect(Buffer.from(whole.message.body).equals(Buffer.alloc(MAX_BODY_BYTES, 'x'))).toBe(true);
      expect(detailOf(whole)).toContain('not JSON');
      for (const { id } of longer) expect(detailOf(found.get(id)!)).toContain('over-long');
      expect(found.size).toBe(101);
    });

    it('keeps failures with whatever characters they came', async () => {
      const [id, again] = [randomUUID(), randomUUID()];
      const odd = { ...message('k\0', '\0'), topic: 't\0', headers: { 'ce-odd': '\0 \ud800' } };
      const failure = { message: odd, error: "Unexpected token '\0'", attempts: 1 };
      await under.store.transact((tx) =>
        tx.take('g', [
          { id, topic: odd.topic, key: odd.key, state: 'dead', failure },
          { id: again, topic: odd.topic, key: odd.key, state: 'retrying', failure: { ...failure, delayMs: 0 } },
        ]),
      );
      expect(
        (await under.store.dueRetries('g', 10)).map((retry) => [retry.id, Buffer.from(retry.message.body)]),
      ).toEqual([[again, Buffer.from('\0')]]);
    });
  });
}

const detailOf = ({ reading }: Arrival) => (reading.ok ? '' : reading.detail);
