import { entry } from '@order-events/testing';
import { bodyOf, drain, OutboxDatabase } from '../../test/outbox-database';
import { newCluster, restore } from '../../test/restore';
import { migrate } from '../migrate';
import { sharedMigrations } from '../migrations';
import type { PostgresStore } from './store';

let old: OutboxDatabase;
let fresh: OutboxDatabase;
let before: PostgresStore;
beforeEach(async () => {
  [old, fresh] = [await OutboxDatabase.create(), await newCluster()];
  before = old.store();
  // Until its connection for wake-ups is there, a lease ends by time only.
  await before.wait('outbox', 600_000, new AbortController().signal);
});
afterEach(async () => {
  await old.close();
  await fresh.close();
});

const append = (store: PostgresStore, from: number, count: number) =>
  store.transact((tx) => tx.append(Array.from({ length: count }, (_, i) => entry('k', String(from + i)))));

test.each([
  ['as they were', '0'],
  ['far above those of the new cluster', '1000000000000'],
])(
  'after a restore into another cluster, with the old transaction ids %s, what is not verified comes once more',
  async (_, lift) => {
    await append(before, 1, 4);
    await append(before, 5, 6);
    const log = before.outbox();
    await log.lease(600_000);
    await log.page(8);
    await log.commit([]);
    await old.sql('UPDATE log_cursor SET verified = 3');

    await restore(old, fresh, lift);
    const after = fresh.store();
    // These transactions have ids that the snapshots of the old cluster may hold for long finished.
    await append(after, 11, 2);
    const restored = after.outbox();
    expect(await restored.lease(600_000)).toBe(true);
    await append(after, 13, 2);
    const read = await drain(restored, 3);
    expect(read.map(bodyOf)).toEqual(['4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14']);
    await append(after, 15, 1);
    await restored.release();
    const next = fresh.store().outbox();
    await next.lease(600_000);
    expect((await drain(next)).map(bodyOf)).toEqual(['15']);
  },
);

test.each([
  ['before the relay has begun, because setup ran first', true],
  ['when the relay has begun', false],
])(
  'after a move whose copy carries rows and not sequences (logical replication), what is appended %s is published',
  async (_, isEarly) => {
    await append(before, 1, 10);
    const log = before.outbox();
    await log.lease(600_000);
    await drain(log);
    await old.sql('UPDATE log_cursor SET verified = 10');

    await restore(old, fresh, '0');
    // A subscription of Postgres copies no sequence.
    await fresh.sql(`SELECT setval('outbox_position_seq', 1, false)`);
    const after = fresh.store();
    const relay = after.outbox();
    if (isEarly) {
      await migrate({ ownerUrl: fresh.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
      await append(after, 11, 3);
    }
    expect(await relay.lease(600_000)).toBe(true);
    if (!isEarly) await append(after, 11, 3);
    const published = (await drain(relay)).map(bodyOf);
    const { oldestMs } = await after.outboxStatus();
    // Either it is published, or at least it is seen to wait.
    expect({ published, seenToWait: oldestMs > 0 }).toEqual({ published: ['11', '12', '13'], seenToWait: false });
  },
);
