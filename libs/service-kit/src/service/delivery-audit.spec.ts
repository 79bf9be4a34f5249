import { pino } from 'pino';
import {
  audiences,
  auditTopics,
  consumedBy,
  topics,
  topology,
  type Service,
  type Topic,
} from '@order-events/contracts';
import {
  DeliveryAudit,
  encode,
  Pipeline,
  Relay,
  systemRuntime,
  tenTries,
  type EventHandler,
  type Message,
  type Runtime,
} from '@order-events/messaging';
import { declareAudits, PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventually, orderBody, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { EventsLog1790000000000, PostgresTransport } from '@order-events/transport-postgres';
import { operatorApp } from '../http/operator';
import { listen } from '../http/listen';
import { Metrics } from '../metrics';
import { observeAudit } from './audit-observer';
import { observe } from './observer';

const TOKEN = 'a token that is long enough';
const log = pino({ level: 'silent' });

/** A hundred times as fast as the real clock, so that half a minute is soon over. */
const hasty: Runtime = {
  ...systemRuntime,
  elapsed: () => systemRuntime.elapsed() * 100,
  sleep: (ms, signal) => systemRuntime.sleep(ms / 100, signal),
};

let events: TestDatabase;
const ends: (() => Promise<void>)[] = [];
beforeEach(async () => {
  events = await testDatabase();
  await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: [EventsLog1790000000000] });
  const transport = newTransport();
  await transport.declare([...topics.map((topic) => ({ topic, groups: topology[topic].consumers })), ...auditTopics]);
  await transport.close();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await events.drop();
});

function newTransport(): PostgresTransport {
  return new PostgresTransport({ ...connection('events', 3), url: events.url, prefix: '' });
}
function connection(applicationName: string, connections: number) {
  return { applicationName, connections, onError: () => {} };
}

/** One service with real databases. What it consumes it takes into its inbox, but for what `drops`. */
async function start(service: Service, drops: (message: Message) => boolean = () => false) {
  const own = await testDatabase();
  await migrate({ ownerUrl: own.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  const store = new PostgresStore({ ...connection(service, 5), url: own.url });
  await declareAudits(store.database, audiences(service));
  const transport = newTransport();
  const metrics = new Metrics(service);
  const observer = observe(log, metrics);
  const shared = { store, transport, runtime: systemRuntime, observer };
  const audit = new DeliveryAudit({
    ...{ service, audiences: audiences(service), store: store.audit, transport, runtime: hasty },
    observer: observeAudit(log, metrics, observer),
  });
  const handlers = new Map<Topic, EventHandler>(
    consumedBy(service).map((topic) => [topic, { topic, keys: () => ({}), decide: () => ({}) }]),
  );
  const consumer = {
    group: service,
    source: `/${service}`,
    maxEventBytes: 1_000_000,
    tables: {},
    handlers,
    retry: tenTries,
  };
  const pipeline = new Pipeline({ ...shared, consumer });
  const subscription = await transport.subscribe({
    ...{
      group: service,
      topics: [...handlers.keys(), ...audit.topics],
      batch: 100,
      waitMs: 5,
      inFlight: 1_000,
      parallel: 4,
    },
    handle: (batch) => pipeline.handle(audit.take(batch).filter((message) => !drops(message))),
  });
  const stop = new AbortController();
  const loops = [new Relay({ ...shared, batch: 500 }).run(stop.signal), audit.run(stop.signal)];
  const app = operatorApp({ service, token: TOKEN, store, transport, metrics, log, checks: {} });
  const operator = await listen(app, '127.0.0.1', 0, 'OPERATOR_PORT');
  ends.push(async () => {
    await operator.close(0);
    await subscription.close();
    stop.abort();
    await Promise.all(loops);
    await transport.close();
    await store.close();
    await own.drop();
  });
  const ask = async (method: string, body?: object) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`http://127.0.0.1:${operator.port}/audit`, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    return {
      status: response.status,
      body: (await response.json()) as { items: { group: string; [name: string]: unknown }[] },
    };
  };
  const statusOf = async (group: Service) => (await ask('GET')).body.items.find((item) => item.group === group)!;
  return { store, url: own.url, metrics, ask, statusOf };
}

async function complete(store: PostgresStore, ...orders: string[]): Promise<string[]> {
  const entries = orders.map((order) => {
    const data = { ...orderBody(order), carrier: 'c', tracking_number: 't' };
    const event = { type: 'order.completed', subject: order, sequence: 1, data } as const;
    return encode(event, systemRuntime.eventId(), { source: '/order-api' });
  });
  await store.transact((tx) => tx.append(entries));
  return entries.map(({ id }) => id);
}
const inbox = ({ url }: { url: string }) =>
  withClient(url, async (client) =>
    (await client.query<{ id: string }>('SELECT id FROM inbox ORDER BY id')).rows.map(({ id }) => id),
  );

test('a lost delivery comes again, and what a restored group lacks comes again when the operator asks for it', async () => {
  let dropped = 0;
  const publisher = await start('order-api');
  const group = await start('email', ({ topic }) => topic === 'order.completed' && dropped++ === 1);
  const ids: string[] = [];
  for (const order of ['o1', 'o2', 'o3']) {
    ids.push(...(await complete(publisher.store, order)));
    await eventually(() => dropped === ids.length);
  }
  await eventually(async () => (await inbox(group)).length === 3);
  await eventually(async () => (await publisher.statusOf('email')).lag_ms === 0);
  expect(await publisher.statusOf('email')).toMatchObject({ missing: 0, resent: 1 });

  // As after a restore: the group's database knows nothing of two of them, and the publisher has verified all.
  const since = new Date(Date.now() - 3_600_000).toISOString();
  await withClient(group.url, (client) => client.query('DELETE FROM inbox WHERE id <> $1', [ids[0]]));
  expect(await publisher.ask('POST', { group: 'email', since })).toMatchObject({
    status: 200,
    body: { group: 'email' },
  });
  await eventually(async () => (await inbox(group)).length === 3);
  expect(await inbox(group)).toEqual(ids);
  await eventually(async () => (await publisher.statusOf('email')).lag_ms === 0);
  expect(await publisher.statusOf('email')).toMatchObject({ missing: 0, resent: 3 });
  const figures = await publisher.metrics.registry.metrics();
  expect(figures).toMatch(/order_events_audited_total\{group="email",outcome="missing",service="order-api"\} 3$/m);
  expect(figures).toMatch(/order_events_audited_total\{group="email",outcome="resent",service="order-api"\} 3$/m);
  expect(figures).not.toMatch(/order_events_loop_failures_total\{/);
});

test('only a group that is audited can be set back, and only to a time', async () => {
  const { ask } = await start('inventory');
  const since = '2026-01-01T00:00:00Z';
  expect((await ask('GET')).body).toMatchObject({ items: [{ group: 'order-api', verified: 0, lag_ms: 0 }] });
  expect(await ask('POST', { group: 'email', since })).toMatchObject({ status: 404 });
  expect(await ask('POST', { group: 'order-api', since: 'yesterday' })).toMatchObject({ status: 400 });
  expect(await ask('POST', { group: 'order-api' })).toMatchObject({ status: 400 });
  expect(await ask('DELETE')).toMatchObject({ status: 405 });
});
