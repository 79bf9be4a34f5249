import { randomUUID } from 'node:crypto';
import { Relay, systemRuntime, type LogRecord, type Message, type Observer } from '@order-events/messaging';
import { counters, entry, testDatabase } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { Client } from 'pg';
import { late } from '../../test/late-commit';
import { bodyOf, drain, OutboxDatabase } from '../../test/outbox-database';
import type { PostgresStore } from './store';

let outbox: OutboxDatabase;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
});
afterEach(() => outbox.close());

/** As the pipeline does it: inbox, then the locks, which may be waited for, and the append at last. */
function count(store: PostgresStore, key: string): Promise<void> {
  return store.transact(async (tx) => {
    await tx.take('g', [{ id: randomUUID(), topic: 'order.created', key, state: 'applied' }]);
    const row = (await tx.lock(counters, { counters: [key] })).counters.get(key)!;
    const next = { ...row, version: row.version + 1 };
    await tx.write(counters, { counters: [next] });
    await tx.append([entry(key, String(next.version))]);
  });
}

test('12 writers in each other’s way and a late committer: every record once, each key in the order of its row', async () => {
  const [writers, reader] = [outbox.store(14), outbox.store()];
  const [keys, each] = [['a', 'b', 'c', 'd'], 40];
  const commitLate = await late(writers, 'late');
  let writing = true;
  const written = Promise.all(
    Array.from({ length: 12 }, async (_, writer) => {
      for (let i = 0; i < each; i++) await count(writers, keys[(writer + i) % keys.length]!);
    }),
  ).finally(() => (writing = false));

  const log = reader.outbox();
  expect(await log.lease(600_000)).toBe(true);
  const read: LogRecord[] = [];
  while (writing) {
    read.push(...(await log.page(7)));
    await log.commit([]);
  }
  await written;
  read.push(...(await drain(log, 7)));
  expect(read.filter(({ key }) => key === 'late')).toEqual([]);
  await commitLate();
  read.push(...(await drain(log, 7)));
  await log.release();

  expect(read.at(-1)).toMatchObject({ key: 'late', position: 1 });
  expect(read).toHaveLength(12 * each + 1);
  for (const key of keys) {
    const records = read.filter((record) => record.key === key);
    expect(records.map(bodyOf)).toEqual(Array.from({ length: (12 * each) / keys.length }, (_, i) => String(i + 1)));
    const positions = records.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  }
});

test('a late committer with a lower position is read after it commits, also from within an open window', async () => {
  const store = outbox.store();
  const commitLate = await late(store, 'late');
  await store.transact((tx) => tx.append([entry('a'), entry('b'), entry('c')]));
  const log = store.outbox();
  await log.lease(600_000);
  expect(await log.page(2)).toMatchObject([{ key: 'a' }, { key: 'b' }]);
  await log.commit([]);
  await commitLate();
  await store.transact((tx) => tx.append([entry('d')]));
  expect((await drain(log, 2)).map(({ key, position }) => [key, position])).toEqual([
    ['c', 4],
    ['late', 1],
    ['d', 5],
  ]);
});

test('a write transaction that is open in another database of the cluster holds nothing up', async () => {
  const elsewhere = await testDatabase();
  const writer = new Client({ connectionString: elsewhere.url });
  await writer.connect();
  try {
    await writer.query('BEGIN');
    await writer.query('CREATE TABLE open ()');
    const { rows } = await writer.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    const store = outbox.store();
    const log = store.outbox();
    await log.lease(600_000);
    for (const key of ['a', 'b', 'c']) {
      await store.transact((tx) => tx.append([entry(key)]));
      expect(await drain(log)).toMatchObject([{ key }]);
    }
    // A reader that waits for the oldest open transaction would have read none of them.
    const [behind] = await outbox.sql<{ xmin: string; read: number }>(
      `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin,
              count(*) FILTER (WHERE xid > $1::text::xid8) AS read FROM outbox`,
      [rows[0]!.xid],
    );
    expect(BigInt(behind!.xmin)).toBeLessThanOrEqual(BigInt(rows[0]!.xid));
    expect(behind!.read).toBe(3);
    await writer.query('COMMIT');
  } finally {
    await writer.end();
    await elsewhere.drop();
  }
});

describe('two relays at once', () => {
  const observer = { published() {}, publishFailed: jest.fn(), loopFailed: jest.fn() } as unknown as Observer;
  let published: string[];
  let watch: () => void;
  let transport: MemoryTransport;

  beforeEach(async () => {
    published = [];
    watch = () => {};
    transport = new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });
    await transport.declare([{ topic: 'order.created', groups: [] }]);
    const { publish } = transport;
    transport.publish = (batch: readonly Message[]) => {
      published.push(...batch.map(({ body }) => Buffer.from(body).toString()));
      watch();
      return publish.call(transport, batch);
    };
  });

  const until = (count: number) =>
    new Promise<void>((resolve) => {
      watch = () => {
        if (published.length >= count) resolve();
      };
      watch();
    });
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => String(from + i));

  test('publish each record once, and when the one with the lease stops the other goes on', async () => {
    const relays = [outbox.store(), outbox.store()].map((store) => {
      const stop = new AbortController();
      const relay = new Relay({ store, transport, runtime: systemRuntime, observer, batch: 10 });
      return { store, stop, run: relay.run(stop.signal) };
    });
    const append = (bodies: string[]) =>
      relays[0]!.store.transact((tx) => tx.append(bodies.map((body) => entry('k', body))));
    for (let n = 0; n < 500; n += 20) await append(numbers(n, 20));
    await until(500);
    const [row] = await outbox.sql<{ epoch: number }>('SELECT epoch FROM log_cursor');
    expect(row).toEqual({ epoch: 1 });

    const [{ owner }] = (await outbox.sql<{ owner: string }>('SELECT owner FROM log_cursor')) as [{ owner: string }];
    const holder = relays.findIndex(({ store }) => Reflect.get(store, 'owner') === owner);
    relays[holder]!.stop.abort();
    await relays[holder]!.run;
    await append(numbers(500, 100));
    await until(600);
    relays[1 - holder]!.stop.abort();
    await relays[1 - holder]!.run;
    expect(published).toEqual(numbers(0, 600));
    expect(observer.loopFailed).not.toHaveBeenCalled();
    expect(observer.publishFailed).not.toHaveBeenCalled();
  });
});
