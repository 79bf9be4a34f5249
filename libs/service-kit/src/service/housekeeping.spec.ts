import { pino } from 'pino';
import { systemRuntime, type InboxEntry } from '@order-events/messaging';
import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import { retrying, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { Metrics } from '../metrics';
import { Housekeeping, retentionWarning } from './housekeeping';

const kept = { OUTBOX_RETENTION_DAYS: 7, DEAD_LETTER_RETENTION_DAYS: 14, INBOX_RETENTION_DAYS: 21 };
const signal = new AbortController().signal;

test.each([
  [21, 14, false],
  [20, 14, true],
  [15, 8, false],
  [15, 9, true],
])('an inbox of %d days beside dead letters of %d days is warned of: %p', (inbox, letters, warned) => {
  const retention = { ...kept, INBOX_RETENTION_DAYS: inbox, DEAD_LETTER_RETENTION_DAYS: letters };
  expect(retentionWarning(retention) !== undefined).toBe(warned);
});

describe('on real databases', () => {
  let own: TestDatabase;
  let events: TestDatabase;
  let store: PostgresStore;
  let transport: PostgresTransport;
  let metrics: Metrics;
  let lines: Record<string, unknown>[];
  const errors: Error[] = [];
  beforeEach(async () => {
    [own, events] = [await testDatabase(), await testDatabase()];
    await migrate({ ownerUrl: own.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
    await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
    const session = { connections: 2, applicationName: 'test', onError: (error: Error) => void errors.push(error) };
    store = new PostgresStore({ ...session, url: own.url });
    transport = new PostgresTransport({ ...session, url: events.url, prefix: '' });
    metrics = new Metrics('inventory');
    lines = [];
  });
  afterEach(async () => {
    await Promise.all([store.close(), transport.close()]);
    await Promise.all([own.drop(), events.drop()]);
    expect(errors).toEqual([]);
  });

  const housekeeping = () => {
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    return new Housekeeping({ store, parts: [transport], retention: kept, metrics, log });
  };
  const oldDay = (url: string, table: string) =>
    withClient(url, (client) =>
      client.query(
        `SELECT make_partition($1, '20200101', quote_literal('2020-01-01 00:00+00'), quote_literal('2020-01-02 00:00+00'))`,
        [table],
      ),
    );

  test('old days of outbox and log go, and are told of; a dead letter that nobody wanted is given up loudly', async () => {
    await Promise.all([oldDay(own.url, 'outbox'), oldDay(events.url, 'log')]);
    const letter: InboxEntry = { ...retrying(systemRuntime.eventId(), 0), state: 'dead' };
    await store.transact((tx) => tx.take('inventory', [letter]));
    await store.database.query(`UPDATE inbox SET at = at - interval '15 days'`);
    await housekeeping().run(signal);
    expect(lines).toMatchObject([
      { level: 50, topic: letter.topic, order_id: 'k', event_id: letter.id, consumer_group: 'inventory' },
      { level: 30, table: 'outbox', dropped: ['outbox_20200101'] },
      { level: 30, table: 'log', dropped: ['log_20200101'] },
    ]);
    expect(await metrics.registry.metrics()).toMatch(/handled_total\{topic="order.created",outcome="expired",.* 1$/m);
    expect(await store.transact((tx) => tx.held('inventory', [letter.id]))).toEqual(new Map([[letter.id, 'expired']]));
    await housekeeping().run(signal);
    expect(lines).toHaveLength(3);
  });

  test('a day that a reader still needs is kept, and told of each time', async () => {
    await oldDay(own.url, 'outbox');
    await withClient(own.url, (client) =>
      client.query(`INSERT INTO outbox (id, topic, key, headers, body, created_at)
        VALUES (gen_random_uuid(), 't', 'k', '{}', '', '2020-01-01 12:00+00')`),
    );
    await housekeeping().run(signal);
    await housekeeping().run(signal);
    const told = { level: 40, table: 'outbox', kept: [{ name: 'outbox_20200101', kept_for: 'relay' }] };
    expect(lines).toMatchObject([told, told]);
  });

  test('a table that somebody reads for a while is asked for again, and given up for this time if that lasts', async () => {
    await oldDay(own.url, 'outbox');
    const pauses: (() => Promise<void>)[] = [];
    jest.spyOn(systemRuntime, 'sleep').mockImplementation(async () => pauses.shift()?.());
    await withClient(own.url, async (reader) => {
      await reader.query('BEGIN');
      await reader.query('SELECT FROM outbox LIMIT 1');
      await expect(housekeeping().run(signal)).rejects.toMatchObject({ kind: 'contended' });
      pauses.push(async () => void (await reader.query('COMMIT')));
      await housekeeping().run(signal);
    });
    expect(lines).toMatchObject([{ table: 'outbox', dropped: ['outbox_20200101'] }]);
    jest.restoreAllMocks();
  });
});
