import type { AuditLog } from '@order-events/messaging';
import { entry } from '@order-events/testing';
import { late } from '../../test/late-commit';
import { drain, OutboxDatabase } from '../../test/outbox-database';
import type { PostgresStore } from './store';

let outbox: OutboxDatabase;
let store: PostgresStore;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
  store = outbox.store();
  // Until its connection for wake-ups is there, nothing can be leased.
  await store.wait('outbox', 600_000, new AbortController().signal);
  await store.audit.declare(new Map([['g', ['order.created']]]));
});
afterEach(() => outbox.close());

const append = (...keys: string[]) => store.transact((tx) => tx.append(keys.map((key) => entry(key))));
/** As the relay would. */
async function relay(): Promise<string> {
  const reader = store.outbox();
  await reader.lease(600_000);
  await drain(reader);
  await reader.release();
  return (await store.audit.published())!.mark;
}
async function verify(log: AuditLog, mark: string): Promise<string[]> {
  const keys: string[] = [];
  for (let empty = 0; empty < 2;) {
    const page = await log.page(2, mark);
    keys.push(...page.map(({ key }) => key));
    empty = page.length === 0 ? empty + 1 : 0;
  }
  await log.commit();
  return keys;
}
const verified = async () => (await store.audit.status())[0]!.verified;
const positionOf = async (key: string) =>
  (await outbox.sql<{ position: number }>('SELECT position FROM outbox WHERE key = $1', [key]))[0]!.position;

test('what is committed late is verified with the window in which it appears, and until then nothing above it is', async () => {
  const log = store.audit.log('g');
  await log.lease(600_000);
  const commitLate = await late(store, 'late');
  await append('a', 'b', 'c');
  const mark = await relay();
  await commitLate();
  expect(await verify(log, mark)).toEqual(['a', 'b', 'c']);
  expect(await verified()).toBe((await positionOf('late')) - 1);
  await append('d');
  expect(await verify(log, await relay())).toEqual(['late', 'd']);
  expect(await verified()).toBe(await positionOf('d'));
});

test('in another cluster the relay publishes again, and the audit asks again about, what was not verified', async () => {
  const log = store.audit.log('g');
  await log.lease(600_000);
  await append('a', 'b', 'c');
  expect(await verify(log, await relay())).toEqual(['a', 'b', 'c']);
  await log.release();
  await append('d', 'e');
  await relay();
  // What the cursors of a restored database say of their cluster.
  await outbox.sql('UPDATE log_cursor SET system_identifier = 1');
  expect(await store.audit.published()).toBeUndefined();
  const reader = store.outbox();
  await reader.lease(600_000);
  expect(await store.audit.published()).toBeUndefined();
  expect((await drain(reader, 2)).map(({ key }) => key)).toEqual(['d', 'e']);
  await append('f');
  expect((await drain(reader)).map(({ key }) => key)).toEqual(['f']);
  const again = store.audit.log('g');
  await again.lease(600_000);
  expect(await verify(again, (await store.audit.published())!.mark)).toEqual(['d', 'e', 'f']);
});

test('set back, it stays verified as far as it was, whatever its former reader does', async () => {
  const log = store.audit.log('g');
  await log.lease(600_000);
  await append('a', 'b');
  await verify(log, await relay());
  await append('c', 'd');
  await verify(log, await relay());
  const [{ created_at: since }] = (await outbox.sql<{ created_at: Date }>(
    `SELECT created_at FROM outbox WHERE key = 'c'`,
  )) as [{ created_at: Date }];
  await store.audit.again('g', since);
  const before = (await positionOf('c')) - 1;
  expect(await verified()).toBe(before);
  // As the second half of a commit whose first half came before.
  await log.commit();
  expect(await verified()).toBe(before);
});

test('whoever has lost the place says nothing of it any more', async () => {
  const log = store.audit.log('g');
  await log.lease(600_000);
  await append('a', 'b');
  await verify(log, await relay());
  await outbox.sql(`UPDATE log_cursor SET owner = 'another', verified = 1 WHERE reader = 'audit g'`);
  await log.commit();
  expect(await verified()).toBe(1);
});

test('what came with a restore is verified as it is read, whatever numbers its transactions had', async () => {
  await append('a', 'b', 'c');
  await relay();
  await outbox.sql(`UPDATE outbox SET xid = '1000000000000'`);
  await outbox.sql('UPDATE log_cursor SET system_identifier = 1');
  const reader = store.outbox();
  await reader.lease(600_000);
  await drain(reader);
  const log = store.audit.log('g');
  await log.lease(600_000);
  const { mark } = (await store.audit.published())!;
  expect((await log.page(2, mark)).map(({ key }) => key)).toEqual(['a', 'b']);
  await log.commit();
  expect(await verified()).toBe(await positionOf('b'));
  expect(await verify(log, mark)).toEqual(['c']);
  expect(await verified()).toBe(await positionOf('c'));
});

test('a group that is declared with other topics is asked about those, by whoever had it before, too', async () => {
  const log = store.audit.log('g');
  await log.lease(600_000);
  await store.audit.declare(new Map([['g', ['order.paid']]]));
  await store.transact((tx) => tx.append([entry('a'), { ...entry('b'), topic: 'order.paid' }]));
  const mark = await relay();
  await log.page(10, mark);
  await expect(log.commit()).rejects.toThrow('lost');
  await log.lease(600_000);
  expect(await verify(log, mark)).toEqual(['b']);
});
