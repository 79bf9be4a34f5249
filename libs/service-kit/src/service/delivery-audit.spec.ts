import { pino } from 'pino';
import { audiences, auditTopics, topics, topology, type Service } from '@order-events/contracts';
import { encode, systemRuntime } from '@order-events/messaging';
import { sharedMigrations, type PostgresStore } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import {
  eventually,
  freePort,
  orderBody,
  takesEverything,
  testDatabase,
  withClient,
  type TestDatabase,
} from '@order-events/testing';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import { loadConfig } from '../config/load';
import { EventService, SERVICE_SETTINGS } from './event-service';

const TOKEN = 'a token that is long enough';
const why = { actor: 'ann', reason: 'restored from a dump' };
/** So many times as fast as the real clock, so that half a minute is soon over. */
const HASTE = 30;

let events: TestDatabase;
const ends: (() => Promise<void>)[] = [];
beforeEach(async () => {
  const { elapsed, sleep } = systemRuntime;
  jest.spyOn(systemRuntime, 'elapsed').mockImplementation(() => elapsed() * HASTE);
  jest.spyOn(systemRuntime, 'sleep').mockImplementation((ms, signal) => sleep(ms / HASTE, signal));
  events = await testDatabase();
  await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
  const errors: Error[] = [];
  const onError = (error: Error) => void errors.push(error);
  const setup = new PostgresTransport({
    url: events.url,
    connections: 1,
    applicationName: 'setup',
    prefix: '',
    onError,
  });
  await setup.declare([...topics.map((topic) => ({ topic, groups: topology[topic].consumers })), ...auditTopics]);
  await setup.close();
  expect(errors).toEqual([]);
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await events.drop();
  jest.restoreAllMocks();
});

/** One process of a service, on databases of its own. What it consumes it takes into its inbox. */
async function start(service: Service) {
  const own = await testDatabase();
  await migrate({ ownerUrl: own.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  const port = await freePort();
  const env = { DATABASE_URL: own.url, EVENTS_DATABASE_URL: events.url, OPERATOR_TOKEN: TOKEN };
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: port }, env);
  const running = new EventService({ service, tables: {}, config, log: pino({ level: 'silent' }) });
  const { store } = running;
  ends.push(async () => {
    await running.stop();
    await own.drop();
  });
  await store.audit.declare(audiences(service));
  await running.start([]);
  await running.consume([...takesEverything(service).handlers.values()]);
  const ask = async (method: string, body?: object) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const init = { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${port}/audit`, init);
    return {
      status: response.status,
      body: (await response.json()) as { items: { group: string; [name: string]: unknown }[] },
    };
  };
  const statusOf = async (group: Service) => (await ask('GET')).body.items.find((item) => item.group === group)!;
  const figures = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return { store, url: own.url, figures, ask, statusOf };
}

/** Orders that are complete; their events are with the broker, in this order. */
async function complete(store: PostgresStore, ...orders: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const order of orders) {
    const data = { ...orderBody(order), carrier: 'c', tracking_number: 't' };
    const event = { type: 'order.completed', subject: order, sequence: 1, data } as const;
    const entry = encode(event, systemRuntime.eventId(), { source: '/order-api' });
    await store.transact((tx) => tx.append([entry]));
    ids.push(entry.id);
  }
  await eventually(async () => {
    const stored = await withClient(events.url, (client) => client.query('SELECT FROM log WHERE id = ANY ($1)', [ids]));
    return stored.rowCount === ids.length;
  });
  return ids;
}
const inbox = ({ url }: { url: string }) =>
  withClient(url, async (client) =>
    (await client.query<{ id: string }>('SELECT id FROM inbox ORDER BY id')).rows.map(({ id }) => id),
  );

test('a lost delivery comes again, and what a restored group lacks comes again when the operator asks for it', async () => {
  const publisher = await start('order-api');
  const ids = await complete(publisher.store, 'o1', 'o2', 'o3');
  // What the broker has proved to hold and the group never gets.
  await withClient(events.url, (client) => client.query('DELETE FROM log WHERE id = $1', [ids[1]]));
  const group = await start('email');
  await eventually(async () => (await inbox(group)).length === 3);
  await eventually(async () => (await publisher.statusOf('email')).lag_ms === 0);
  expect(await publisher.statusOf('email')).toMatchObject({ missing: 0, resent: 1 });

  // As after a restore: the group's database knows nothing of two of them, and the publisher has verified all.
  const since = new Date(Date.now() - 3_600_000).toISOString();
  await withClient(group.url, (client) => client.query('DELETE FROM inbox WHERE id <> $1', [ids[0]]));
  expect(await publisher.ask('POST', { ...why, group: 'email', since })).toMatchObject({
    status: 200,
    body: { group: 'email' },
  });
  await eventually(async () => (await inbox(group)).length === 3);
  expect(await inbox(group)).toEqual(ids);
  await eventually(async () => (await publisher.statusOf('email')).lag_ms === 0);
  expect(await publisher.statusOf('email')).toMatchObject({ missing: 0, resent: 3 });
  const figures = await publisher.figures();
  const audited = (outcome: string, count: number) =>
    expect(figures).toContain(
      `order_events_audited_total{group="email",outcome="${outcome}",service="order-api"} ${count}\n`,
    );
  // Each of the three in both rounds.
  audited('verified', 6);
  audited('missing', 3);
  audited('resent', 3);
  expect(figures).not.toMatch(/order_events_loop_failures_total\{/);
});

test('only a group that is audited can be set back, and only to a time', async () => {
  const { ask } = await start('inventory');
  const since = '2026-01-01T00:00:00Z';
  expect((await ask('GET')).body).toMatchObject({ items: [{ group: 'order-api', verified: 0, lag_ms: 0 }] });
  expect(await ask('POST', { ...why, group: 'email', since })).toMatchObject({ status: 404 });
  expect(await ask('POST', { ...why, group: 'order-api', since: 'yesterday' })).toMatchObject({ status: 400 });
  expect(await ask('POST', { ...why, group: 'order-api' })).toMatchObject({ status: 400 });
  expect(await ask('DELETE')).toMatchObject({ status: 405 });
});
