import { entry } from '@order-events/testing';
import { bodyOf, drain, OutboxDatabase } from '../../test/outbox-database';
import { newCluster, restore } from '../../test/restore';
import type { PostgresStore } from './store';

const audience = (group: string) => new Map([[group, [entry().topic]]]);
let old: OutboxDatabase;
let fresh: OutboxDatabase;
beforeEach(async () => {
  [old, fresh] = [await OutboxDatabase.create(), await newCluster()];
});
afterEach(async () => {
  await old.close();
  await fresh.close();
});

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
const append = (store: PostgresStore, bodies: readonly string[]) =>
  store.transact((tx) => tx.append(bodies.map((body) => entry('k', body))));

/** As the relay does it. */
async function publish(store: PostgresStore): Promise<string[]> {
  const relay = store.outbox();
  expect(await relay.lease(600_000)).toBe(true);
  return (await drain(relay, 3)).map(bodyOf);
}

/** What the group is asked about of all that is published. */
async function asked(store: PostgresStore, group: string, until?: string): Promise<string[]> {
  const audit = store.audit.log(group);
  expect(await audit.lease(600_000)).toBe(true);
  const mark = until ?? (await store.audit.published())!.mark;
  const bodies: string[] = [];
  for (let empty = 0; empty < 2;) {
    const page = await audit.page(4, mark);
    await audit.commit();
    bodies.push(...page.map(bodyOf));
    empty = page.length === 0 ? empty + 1 : 0;
  }
  return bodies;
}

describe.each([
  ['as they were', '0'],
  ['far above those of the new cluster', '1000000000000'],
])('after a restore into another cluster, with the old transaction ids %s,', (_, lift) => {
  let store: PostgresStore;
  beforeEach(async () => {
    const before = old.store();
    await before.audit.declare(audience('g'));
    await append(before, numbers(1, 10));
    await publish(before);
    await restore(old, fresh, lift);
    store = fresh.store();
  });

  test('what came with it counts as waiting until it has been read once more, and no longer', async () => {
    const figures = async () => {
      const [status] = await store.audit.status();
      const { verified, lag_ms } = status!;
      return { published: (await store.outboxStatus()).oldestMs === 0, verified, audited: lag_ms === 0 };
    };
    const [relay, audit] = [store.outbox(), store.audit.log('g')];
    expect(await Promise.all([relay.lease(600_000), audit.lease(600_000)])).toEqual([true, true]);
    expect(await figures()).toEqual({ published: false, verified: 0, audited: false });
    expect(await publish(store)).toEqual(numbers(1, 10));
    expect(await figures()).toEqual({ published: true, verified: 0, audited: false });
    expect(await asked(store, 'g')).toEqual(numbers(1, 10));
    expect(await figures()).toEqual({ published: true, verified: 10, audited: true });
    await append(store, numbers(11, 12));
    expect(await figures()).toEqual({ published: false, verified: 10, audited: false });
    await publish(store);
    expect(await asked(store, 'g')).toEqual(numbers(11, 12));
    expect(await figures()).toEqual({ published: true, verified: 12, audited: true });
  });

  test('a group can be asked again about what came with it', async () => {
    await publish(store);
    await asked(store, 'g');
    await append(store, numbers(11, 12));
    await publish(store);
    await asked(store, 'g');
    expect(await store.audit.again('g', new Date(0))).toBe(true);
    expect(await asked(store, 'g')).toEqual(numbers(1, 12));
  });
});

test('a group that is new after a restore is not asked about what came with it, though its numbers are given out again', async () => {
  const before = old.store();
  await append(before, numbers(1, 10));
  await publish(before);
  const xidOf = async (database: OutboxDatabase, xid: string) =>
    (await database.sql<{ xid: number }>(`SELECT ${xid}::text::bigint AS xid`))[0]!.xid;
  const restored = (await xidOf(fresh, 'pg_current_xact_id()')) + 100;
  await restore(old, fresh, String(restored - (await xidOf(old, '(SELECT xid FROM outbox LIMIT 1)'))));
  const store = fresh.store();
  await publish(store);
  await store.audit.declare(audience('new'));
  expect(await xidOf(fresh, 'pg_current_xact_id()')).toBeLessThan(restored);
  while ((await xidOf(fresh, 'pg_current_xact_id()')) <= restored);
  await append(store, ['11']);
  await publish(store);
  expect(await asked(store, 'new')).toEqual(['11']);
});

test('a mark that a process has kept from before a restore makes it skip nothing after it', async () => {
  const before = old.store();
  await before.audit.declare(audience('g'));
  // The old cluster has been at work for longer than the new one.
  for (let n = 0; n < 300; n++) await old.sql('SELECT pg_current_xact_id()');
  await append(before, numbers(1, 3));
  await publish(before);
  const kept = (await before.audit.published())!.mark;
  await restore(old, fresh, '0');
  const [now] = await fresh.sql<{ is_behind: boolean }>(
    `SELECT pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmax('${kept}'::pg_snapshot) AS is_behind`,
  );
  expect(now!.is_behind).toBe(true);

  const store = fresh.store();
  await publish(store);
  await asked(store, 'g', kept);
  await append(store, ['4']);
  await publish(store);
  expect(await asked(store, 'g')).toContain('4');
});
