import type { AuditLog } from '@order-events/messaging';
import { entry, eventually, withClient } from '@order-events/testing';
import { late } from '../../test/late-commit';
import { appendedAgo, partitionOf, partitions, withRoles } from '../../test/old-days';
import { drain, OutboxDatabase } from '../../test/outbox-database';
import { Database } from './database';
import { InboxRetention } from './inbox-retention';
import { forgetLog, makePartitions } from './partitions';
import type { PostgresStore } from './store';

const GROUP = 'g';
let outbox: OutboxDatabase;
let store: PostgresStore;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
  store = outbox.store();
  // Until its connection for wake-ups is there, nothing can be leased.
  await store.wait('outbox', 600_000, new AbortController().signal);
});
afterEach(() => outbox.close());

async function publish(): Promise<string[]> {
  const reader = store.outbox();
  await reader.lease(600_000);
  const keys = (await drain(reader)).map(({ key }) => key);
  await reader.release();
  return keys;
}
async function verify(log: AuditLog = store.audit.log(GROUP)): Promise<void> {
  await log.lease(600_000);
  const { mark } = (await store.audit.published())!;
  while ((await log.page(100, mark)).length > 0);
  await log.commit();
  await log.release();
}
const keys = async () =>
  (await outbox.sql<{ key: string }>('SELECT key FROM outbox ORDER BY position')).map((r) => r.key);

test('a day goes when it has been over for as long as it is to be kept; later ones and those ahead stay', async () => {
  const old = [await partitionOf(outbox, 'outbox', 30), await partitionOf(outbox, 'outbox', 8)];
  await partitionOf(outbox, 'outbox', 6);
  const before = await partitions(outbox, 'outbox');
  await appendedAgo(outbox, 30, 'a');
  await appendedAgo(outbox, 8, 'b');
  await appendedAgo(outbox, 6, 'c');
  await appendedAgo(outbox, 0, 'd');
  expect(await publish()).toEqual(['a', 'b', 'c', 'd']);
  expect(await store.forgetOutbox(7)).toEqual({ dropped: old, kept: [] });
  expect(await keys()).toEqual(['c', 'd']);
  expect(await partitions(outbox, 'outbox')).toEqual(before.filter((name) => !old.includes(name)));
  expect(await store.forgetOutbox(7)).toEqual({ dropped: [], kept: [] });
  await appendedAgo(outbox, 0, 'e');
  expect(await publish()).toEqual(['e']);
});

test('a reader that is behind keeps its days and is named; what others were behind with goes before it', async () => {
  await store.audit.declare(new Map([[GROUP, [entry().topic]]]));
  const older = await partitionOf(outbox, 'outbox', 30);
  await appendedAgo(outbox, 30, 'a');
  expect(await store.forgetOutbox(7)).toMatchObject({ kept: [{ name: older, kept_for: `audit ${GROUP}, relay` }] });
  await publish();
  await verify();
  const old = await partitionOf(outbox, 'outbox', 20);
  await appendedAgo(outbox, 20, 'b');
  await publish();
  expect(await store.forgetOutbox(7)).toEqual({ dropped: [older], kept: [{ name: old, kept_for: `audit ${GROUP}` }] });
  // As an operator has it asked again, from the beginning.
  await verify();
  await store.audit.again(GROUP, new Date(0));
  expect(await store.forgetOutbox(7)).toMatchObject({ dropped: [], kept: [{ name: old }] });
  await verify();
  expect(await store.forgetOutbox(7)).toMatchObject({ dropped: [old], kept: [] });
  expect(await keys()).toEqual([]);
});

test('what was committed late, is behind the place in an open window, or came with a restore, counts as unread', async () => {
  const old = await partitionOf(outbox, 'outbox', 8);
  const kept = { dropped: [], kept: [{ name: old, kept_for: 'relay' }] };
  const commitLate = await late(store, 'late');
  await appendedAgo(outbox, 0, 'early');
  await publish();
  await commitLate();
  await outbox.sql(`UPDATE outbox SET created_at = created_at - interval '8 days' WHERE key = 'late'`);
  // Moving it has given it no other transaction: it is still that of the late commit.
  expect(await store.forgetOutbox(7)).toEqual(kept);
  expect(await publish()).toEqual(['late']);

  await appendedAgo(outbox, 8, 'w1', 'w2');
  const relay = store.outbox();
  await relay.lease(600_000);
  expect((await relay.page(1)).map(({ key }) => key)).toEqual(['w1']);
  await relay.commit([]);
  await relay.release();
  expect(await store.forgetOutbox(7)).toEqual(kept);
  await publish();

  const [place] = await outbox.sql<{ position: number }>('SELECT position FROM log_cursor');
  await outbox.sql('UPDATE log_cursor SET position = $1 - 1, floor = $1', [place!.position]);
  expect(await store.forgetOutbox(7)).toEqual(kept);
  await outbox.sql('UPDATE log_cursor SET position = floor, system_identifier = 1');
  expect(await store.forgetOutbox(7)).toEqual(kept);
  await outbox.sql('UPDATE log_cursor SET system_identifier = (pg_control_system()).system_identifier');
  expect(await store.forgetOutbox(7)).toEqual({ dropped: [old], kept: [] });
});

test('what no partition was made for goes row by row, by the same rule', async () => {
  await appendedAgo(outbox, 30, 'a');
  await publish();
  await appendedAgo(outbox, 30, 'b');
  await appendedAgo(outbox, 6, 'c');
  await store.forgetOutbox(7);
  expect(await keys()).toEqual(['b', 'c']);
  await publish();
  await store.forgetOutbox(7);
  expect(await keys()).toEqual(['c']);
});

test('who reads for long is not waited for, neither when a day goes nor when one is made', async () => {
  const old = await partitionOf(outbox, 'outbox', 8);
  const ahead = (await partitions(outbox, 'outbox')).at(-2)!;
  await outbox.sql(`DROP TABLE ${ahead}`);
  // Not when the statement's own time is over: that is half a minute, in which nobody could write.
  const contended = { kind: 'contended', message: expect.stringContaining('55P03') as unknown };
  await withClient(outbox.url, async (reader) => {
    await reader.query('BEGIN');
    await reader.query('SELECT FROM outbox LIMIT 1');
    await expect(store.forgetOutbox(7)).rejects.toMatchObject(contended);
    await expect(store.makePartitions()).rejects.toMatchObject(contended);
    await store.transact((tx) => tx.append([entry('a')]));
  });
  await store.makePartitions();
  expect(await partitions(outbox, 'outbox')).toContain(ahead);
  await publish();
  expect(await store.forgetOutbox(7)).toEqual({ dropped: [old], kept: [] });
});

test('what is committed while a day is about to go keeps it', async () => {
  const old = await partitionOf(outbox, 'outbox', 8);
  await outbox.sql(`ALTER FUNCTION drop_outbox_partition(integer) SET lock_timeout = '10min'`);
  await withClient(outbox.url, async (writer) => {
    await writer.query('BEGIN');
    await writer.query(
      `INSERT INTO outbox (id, topic, key, headers, body, created_at)
       VALUES (gen_random_uuid(), 't', 'late', '{}', '', clock_timestamp() - interval '8 days')`,
    );
    const forgotten = store.forgetOutbox(7);
    await eventually(async () => {
      const waiting = await outbox.sql(`SELECT FROM pg_locks WHERE relation = 'outbox'::regclass AND NOT granted`);
      return waiting.length > 0;
    });
    await writer.query('COMMIT');
    expect(await forgotten).toEqual({ dropped: [], kept: [{ name: old, kept_for: 'relay' }] });
  });
  expect(await publish()).toEqual(['late']);
});

test('a role that owns nothing, and may only write rows, has old days dropped and new ones made', async () => {
  const { ownerUrl, loginUrl, drop } = await withRoles();
  const database = new Database({ url: loginUrl, connections: 1, applicationName: 'test', onError: () => {} });
  await withClient(ownerUrl, (owner) =>
    owner.query(
      `SELECT make_partition('outbox', '20200101', quote_literal('2020-01-01'), quote_literal('2020-01-02'))`,
    ),
  );
  await expect(database.query('DROP TABLE outbox_20200101')).rejects.toThrow(/must be owner/);
  expect(await forgetLog(database, 'outbox', 7)).toEqual({ dropped: ['outbox_20200101'], kept: [] });
  expect(await new InboxRetention(database).forget(21)).toEqual({ dropped: [], kept: [] });
  await makePartitions(database);
  await database.close();
  await drop();
});

test('while writers write and a relay reads, days go, and each event is published once, in the order of its writer', async () => {
  const days = Array.from({ length: 12 }, (_, i) => 8 + i);
  for (const day of days) {
    await partitionOf(outbox, 'outbox', day);
    await appendedAgo(outbox, day, `old ${day}`);
  }
  let [over, allWritten] = [false, false];
  const written: string[] = [];
  const writer = async (name: number) => {
    for (let n = 0; !over || n < 50; n++) {
      const key = `${name}.${n}`;
      await store.transact((tx) => tx.append([entry(key)]));
      written.push(key);
    }
  };
  const writers = Promise.all([0, 1, 2, 3].map(writer)).finally(() => (allWritten = true));
  const published: string[] = [];
  const relay = (async () => {
    const reader = store.outbox();
    await reader.lease(600_000);
    for (let ended = false; ;) {
      const page = await reader.page(50);
      await reader.commit([]);
      published.push(...page.map(({ key }) => key));
      if (page.length === 0 && ended) return;
      ended = allWritten && page.length === 0;
      await reader.lease(600_000);
    }
  })();
  const dropped = new Set<string>();
  const other = outbox.store();
  // Two at once, as two processes of the service would; what comes into somebody's way is tried again.
  const forget = async (by: PostgresStore) => {
    while (dropped.size < days.length)
      for (const name of (await by.forgetOutbox(7).catch(() => ({ dropped: [] }))).dropped) dropped.add(name);
  };
  await Promise.all([forget(store), forget(other)]);
  over = true;
  await writers;
  await relay;
  expect(published.filter((key) => !key.startsWith('old')).sort()).toEqual(written.sort());
  for (const name of [0, 1, 2, 3]) {
    const own = published.filter((key) => key.startsWith(`${name}.`)).map((key) => Number(key.split('.')[1]));
    expect(own).toEqual(own.map((_, n) => n));
  }
  expect(published.filter((key) => key.startsWith('old')).sort()).toEqual(days.map((day) => `old ${day}`).sort());
});
