import { randomUUID } from 'node:crypto';
import type { AuditLog, LogRecord, OutboxEntry } from '@order-events/messaging';
import { eventually } from '../eventually';
import { published } from './outbox';
import { applied, entry, retrying } from './samples';
import type { TwoStores } from './under-test';

/** The second cursors over the outbox, questions with their answers, and looking into an inbox. */
export function auditContract(under: TwoStores): void {
  describe('delivery audit', () => {
    const audit = () => under.store.audit;
    const append = async (...entries: OutboxEntry[]) => {
      await under.store.transact((tx) => tx.append(entries));
      return entries;
    };
    const of = (topic: string, key: string): OutboxEntry => ({ ...entry(key), topic });
    const keys = (records: readonly LogRecord[]) => records.map(({ key }) => key);
    const mark = async () => (await audit().published())!.mark;
    const reading = async (group: string) => {
      const log = audit().log(group);
      expect(await log.lease(600_000)).toBe(true);
      return log;
    };
    /** Pages until there is nothing more that was published by now. */
    const rest = async (log: AuditLog, limit = 100) => {
      const to = await mark();
      const records: LogRecord[] = [];
      for (let empty = 0; empty < 2;) {
        const page = await log.page(limit, to);
        records.push(...page);
        empty = page.length === 0 ? empty + 1 : 0;
      }
      return keys(records);
    };

    it('reads, of what the relay has published, the topics of the group', async () => {
      await audit().declare(new Map([['g', ['t.one', 't.two']]]));
      await append(of('t.one', 'a'), of('t.three', 'b'), of('t.two', 'c'));
      const log = await reading('g');
      expect(await rest(log)).toEqual([]);
      await published(under.store);
      await append(of('t.one', 'later'));
      expect(await rest(log, 1)).toEqual(['a', 'c']);
      await published(under.store);
      expect(await rest(log)).toEqual(['later']);
      await log.release();
    });

    it('takes for published what the relay has published to the end, also if its last page was full', async () => {
      await audit().declare(new Map([['g', ['t']]]));
      await append(of('t', 'a'), of('t', 'b'), of('t', 'c'));
      const relay = under.store.outbox();
      await relay.lease(60_000);
      await relay.page(2);
      await relay.commit([]);
      const log = await reading('g');
      expect(await rest(log)).toEqual([]);
      await relay.page(1);
      await relay.commit([]);
      expect(await rest(log)).toEqual(['a', 'b', 'c']);
      await relay.release();
    });

    it('keeps to a mark that is older than what is published by now', async () => {
      await audit().declare(new Map([['g', ['t']]]));
      await append(of('t', 'a'));
      await published(under.store);
      const old = await mark();
      await append(of('t', 'b'));
      await published(under.store);
      expect(await mark()).not.toBe(old);
      const log = await reading('g');
      expect(keys(await log.page(10, old))).toEqual(['a']);
      expect(keys(await log.page(10, old))).toEqual([]);
      expect(await rest(log)).toEqual(['b']);
    });

    it('has one reader a group, who goes on at the last lasting place', async () => {
      await audit().declare(new Map([...['g', 'h'].map((group) => [group, ['t']] as const)]));
      await append(of('t', 'a'), of('t', 'b'));
      await published(under.store);
      const [mine, theirs] = [await reading('g'), under.other.audit.log('g')];
      expect(await theirs.lease(60_000)).toBe(false);
      expect(await under.other.audit.log('h').lease(60_000)).toBe(true);
      const to = await mark();
      await mine.page(1, to);
      await mine.commit();
      await mine.page(1, to);
      mine.rewind();
      expect(keys(await mine.page(10, to))).toEqual(['b']);
      await mine.release();
      expect(await theirs.lease(60_000)).toBe(true);
      expect(keys(await theirs.page(10, to))).toEqual(['b']);
    });

    it('a group that is declared later is not asked about what was published before', async () => {
      await append(of('t', 'before'));
      await published(under.store);
      await audit().declare(new Map([['g', ['t']]]));
      await append(of('t', 'after'));
      await published(under.store);
      expect(await rest(await reading('g'))).toEqual(['after']);
    });

    it('set back, it begins again with what was appended since then, and whoever reads has to notice', async () => {
      await audit().declare(new Map([['g', ['t']]]));
      for (const key of ['a', 'b', 'c']) {
        const before = Date.now();
        await eventually(() => Date.now() > before + 1);
        await append(of('t', key));
      }
      await published(under.store);
      const log = await reading('g');
      const records = await log.page(100, await mark());
      expect(keys(records)).toEqual(['a', 'b', 'c']);
      await log.commit();
      expect(await under.other.audit.again('g', records[1]!.time)).toBe(true);
      await log.page(100, await mark());
      await expect(log.commit()).rejects.toThrow('lost');
      await append(of('t', 'd'));
      await published(under.store);
      const again = await reading('g');
      expect(await rest(again, 1)).toEqual(['b', 'c', 'd']);
      await again.commit();
      expect(await audit().again('nobody', new Date(0))).toBe(false);
    });

    describe('replays a topic', () => {
      const beginning = new Date(0);
      beforeEach(async () => {
        await audit().declare(new Map([['g', ['t.one', 't.two']]]));
        const [one, two] = ['t.one', 't.two'] as const;
        await append(of(two, 'a'), of(one, 'b'), of('other', 'c'), of(one, 'd'), of(two, 'e'));
        await published(under.store);
        const log = await reading('g');
        await rest(log);
        await log.commit();
        await log.release();
      });

      it('alone, of what is verified; of what comes later, all', async () => {
        expect(await audit().replay('g', 't.one', beginning)).toBe('begun');
        await append(of('t.two', 'f'));
        await published(under.store);
        const log = await reading('g');
        expect(await rest(log, 1)).toEqual(['b', 'd', 'f']);
        await log.commit();
        expect(await audit().status()).toMatchObject([{ group: 'g', lag_ms: 0, replay: null }]);
        await append(of('t.two', 'g'));
        await published(under.store);
        expect(await rest(log)).toEqual(['g']);
      });

      it('since a time, and whoever reads has to notice', async () => {
        const before = Date.now();
        await eventually(() => Date.now() > before + 1);
        await append(of('t.one', 'f'), of('t.two', 'g'));
        await published(under.store);
        const former = await reading('g');
        const [f] = await former.page(100, await mark());
        await former.commit();
        expect(await under.other.audit.replay('g', 't.one', f!.time)).toBe('begun');
        await former.page(100, await mark());
        await expect(former.commit()).rejects.toThrow('lost');
        expect(await rest(await reading('g'))).toEqual(['f']);
      });

      it('one at a time; being asked about everything ends it', async () => {
        expect(await audit().replay('g', 't.one', beginning)).toBe('begun');
        const [status] = await audit().status();
        expect(status!.replay).toMatchObject({ topic: 't.one' });
        expect(status!.replay!.until).toBeGreaterThan(status!.verified);
        expect(await under.other.audit.replay('g', 't.two', beginning)).toBe('under_way');
        expect(await audit().again('g', beginning)).toBe(true);
        const log = await reading('g');
        expect(await rest(log)).toEqual(['a', 'b', 'd', 'e']);
        await log.commit();
        expect(await audit().replay('g', 't.two', beginning)).toBe('begun');
      });

      it('to a group that is new', async () => {
        await audit().declare(new Map([['new', ['t.one', 't.two']]]));
        expect(await rest(await reading('new'))).toEqual([]);
        expect(await under.other.audit.replay('new', 't.one', beginning)).toBe('begun');
        const log = under.other.audit.log('new');
        expect(await log.lease(600_000)).toBe(true);
        expect(await rest(log)).toEqual(['b', 'd']);
        await log.commit();
        expect(await audit().status()).toContainEqual(expect.objectContaining({ group: 'new', replay: null }));
      });

      it('only to a group that it is published for', async () => {
        expect(await audit().replay('g', 'other', beginning)).toBe('not_audited');
        expect(await audit().replay('nobody', 't.one', beginning)).toBe('not_audited');
      });
    });

    it('is never set forward', async () => {
      await audit().declare(new Map([['g', ['t']]]));
      await append(of('t', 'a'));
      await published(under.store);
      expect(await audit().again('g', new Date(8.64e15))).toBe(true);
      expect(await rest(await reading('g'))).toEqual(['a']);
    });

    it('an answer reaches whoever asked, in whatever process, and only the one to the open question', async () => {
      await audit().declare(new Map([['g', ['t']]]));
      const [first, second] = [randomUUID(), randomUUID()];
      await audit().ask('g', first);
      expect(await audit().answerTo('g', first)).toBeUndefined();
      await under.other.audit.answer('g', first, { idle: true });
      await audit().ask('g', first);
      expect(await audit().answerTo('g', first)).toEqual({ idle: true });
      await audit().ask('g', second);
      await under.other.audit.answer('g', first, { idle: true });
      expect(await audit().answerTo('g', first)).toBeUndefined();
      expect(await audit().answerTo('g', second)).toBeUndefined();
      await under.other.audit.answer('nobody', second, { idle: true });
    });

    it('tells which events an inbox does not hold, which it holds unapplied, and the newest that it holds in a range', async () => {
      const id = (n: number) => `0193b5c0-000${n}-7000-8000-000000000000`;
      await under.store.transact((tx) => tx.take('g', [applied(id(1)), retrying(id(3), 60_000), applied(id(5))]));
      await under.store.transact((tx) => tx.take('h', [applied(id(2)), { ...applied(id(7)), topic: 'other' }]));
      const holding = async (group: string, before: number, ...ids: number[]) => {
        const { missing, ...rest } = await audit().holding(group, ids.map(id), ['order.created'], id(before));
        return { missing: missing.sort(), ...rest };
      };
      const unapplied: string[] = [];
      const some = await holding('g', 9, 1, 2, 3, 4);
      expect(some).toEqual({ missing: [id(2), id(4)], unapplied: [id(3)], newest: id(5) });
      expect(await holding('g', 5, 2)).toEqual({ missing: [id(2)], unapplied, newest: id(3) });
      expect(await holding('g', 9, 6)).toEqual({ missing: [id(6)], unapplied, newest: undefined });
      expect(await holding('h', 9, 1, 2)).toEqual({ missing: [id(1)], unapplied, newest: id(2) });
    });

    it('tells of each group how far it is', async () => {
      expect(await audit().status()).toEqual([]);
      await audit().declare(new Map([['g', ['t']]]));
      await append(of('t', 'a'), of('t', 'b'), of('other', 'c'));
      await published(under.store);
      const [behind] = await audit().status();
      expect(behind).toMatchObject({ group: 'g', missing: 0, resent: 0 });
      expect(behind!.lag_ms).toBeGreaterThan(0);
      const log = await reading('g');
      const [a, b] = await log.page(10, await mark());
      expect(behind!.verified).toBeLessThan(a!.position);
      await log.commit();
      await audit().tally('g', 2, 1);
      await audit().tally('g', 1, 3);
      const [done] = await audit().status();
      expect(done).toMatchObject({ group: 'g', missing: 1, resent: 4, lag_ms: 0 });
      expect(done!.verified).toBeGreaterThanOrEqual(b!.position);
    });
  });
}
