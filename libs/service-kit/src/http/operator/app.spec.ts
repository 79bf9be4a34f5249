import { Router } from 'express';
import { pino } from 'pino';
import { encode, systemRuntime } from '@order-events/messaging';
import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { testDatabase, type TestDatabase } from '@order-events/testing';
import { Metrics } from '../../metrics';
import { listen, type Listening } from '../listen';
import { operatorApp } from './app';

const TOKEN = 'a token that is long enough';
const CONNECTIONS = 3;
const log = pino({ level: 'silent' });
const failures: Error[] = [];
const told: string[] = [];
const onError = (error: Error) => void failures.push(error);
let database: TestDatabase;
let store: PostgresStore;
let metrics: Metrics;
let server: Listening;
let closed: Listening;
/** Of a service whose broker says nothing. */
let silent: Listening;

beforeAll(async () => {
  database = await testDatabase();
  const { url } = database;
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  store = new PostgresStore({ url, connections: CONNECTIONS, applicationName: 'test', onError });
  metrics = new Metrics('inventory');
  const transport = new MemoryTransport({ broker: new MemoryBroker(), onError });
  metrics.watch(store, [transport], 'inventory', onError);
  const checks = {
    works: () => Promise.resolve(),
    fails: () => Promise.reject(new Error('nobody is there')),
    hangs: () => new Promise<void>(() => undefined),
  };
  const routes = Router().post('/things', (request, response) => void response.json(request.body));
  const shared = { service: 'inventory' as const, store, transport, metrics, log };
  const app = operatorApp({ ...shared, token: TOKEN, checks, routes });
  server = await listen(app, '127.0.0.1', 0, 'OPERATOR_PORT');
  const ready = { works: checks.works };
  closed = await listen(operatorApp({ ...shared, token: undefined, checks: ready }), '127.0.0.1', 0, 'OPERATOR_PORT');
  const nothing = { name: 'nsq', backlog: () => new Promise<number>(() => undefined) };
  const unwatched = new Metrics('inventory');
  unwatched.watch(store, [transport, nothing], 'inventory', (error) => void told.push(error.message));
  const ofSilent = operatorApp({ ...shared, transport: nothing, metrics: unwatched, token: TOKEN, checks: {} });
  silent = await listen(ofSilent, '127.0.0.1', 0, 'OPERATOR_PORT');
  await fill();
});
afterAll(async () => {
  await Promise.all([server, closed, silent].map((each) => each.close(0)));
  await store.close();
  await database.drop();
  expect(failures).toEqual([]);
});

/** Two orders, one of which has a dead letter. */
async function fill(): Promise<void> {
  const events = ['o1', 'o2'].map((order) =>
    encode(
      { type: 'inventory.reserved', subject: order, sequence: 1, data: { order_id: order } },
      systemRuntime.eventId(),
      { source: '/inventory' },
    ),
  );
  await store.transact(async (tx) => {
    const [first, second] = events.map(({ id, topic, key }) => ({ id, topic, key }));
    const failure = { message: events[1]!, error: 'Error: too little', attempts: 3 };
    await tx.take('inventory', [
      { ...first!, state: 'applied' },
      { ...second!, state: 'dead', failure },
    ]);
    await tx.intend([
      { kind: 'call', key: 'o1', idempotencyKey: 'o1.call', input: { secret: 'token of a card' } },
      { kind: 'call', key: 'o2', idempotencyKey: 'o2.call', input: {} },
    ]);
    await tx.append(events);
  });
  const [claimed] = await store.claimEffects(['call'], 1, 60_000);
  await store.transact((tx) => tx.closeEffects([claimed!.id]));
}

const get = async (path: string, { port }: Listening = server, headers: Record<string, string> = {}) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
};
const asOperator = (path: string) => get(path, server, { authorization: `Bearer ${TOKEN}` });

test('healthz says that the process lives, whatever it depends on', async () => {
  const { status, body } = await get('/healthz');
  expect([status, body]).toEqual([200, { status: 'ok', service: 'inventory' }]);
});

test('readyz names what fails and what does not answer', async () => {
  const { status, body } = await get('/readyz');
  expect(status).toBe(503);
  expect(body).toEqual({
    status: 'not ready',
    checks: { works: 'ok', fails: 'nobody is there', hangs: expect.stringMatching(/^no answer from hangs within/) },
  });
});

test('readyz is 200 when everything answers', async () => {
  const { status, body } = await get('/readyz', closed);
  expect([status, body]).toEqual([200, { status: 'ready', checks: { works: 'ok' } }]);
});

test('metrics are text with the service as a label', async () => {
  metrics.handled.inc({ topic: 'order.created', outcome: 'applied' }, 2);
  const { status, headers, text } = await get('/metrics');
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  expect(text).toContain('order_events_handled_total{topic="order.created",outcome="applied",service="inventory"} 2\n');
  expect(text).toMatch(/^order_events_outbox_oldest_seconds\{service="inventory"\} \d+\.?\d*$/m);
  expect(text).toMatch(/^order_events_backlog\{transport="memory",service="inventory"\} 0$/m);
  expect(text).toMatch(/^order_events_waiting\{service="inventory"\} 0$/m);
  expect(text).toMatch(/^order_events_dead_letters\{service="inventory"\} 1$/m);
  expect(text).toMatch(/^order_events_retrying\{service="inventory"\} 0$/m);
  expect(text).toMatch(/^order_events_effects_open\{service="inventory"\} 1$/m);
});

test('what waits on several transports is told in one number, too', async () => {
  const several = new Metrics('inventory');
  const transports = [3, 4].map((waiting) => ({ name: `t${waiting}`, backlog: () => Promise.resolve(waiting) }));
  several.watch(store, transports, 'inventory', onError);
  expect(await several.registry.getSingleMetricAsString('order_events_waiting')).toContain(
    'order_events_waiting{service="inventory"} 7',
  );
});

test('while the broker is silent, everything else is told', async () => {
  const { text } = await get('/metrics', silent);
  expect(text).toContain('order_events_outbox_oldest_seconds{');
  expect(text).toContain('order_events_backlog{transport="memory",service="inventory"} 0\n');
  expect(text).not.toContain('transport="nsq"');
  expect(text).not.toContain('order_events_waiting{');
  expect(told).toEqual([expect.stringContaining('nsq: no answer')]);
  const { status, body } = await get('/lag', silent, { authorization: `Bearer ${TOKEN}` });
  expect([status, body]).toEqual([200, expect.objectContaining({ backlog: null, dead: 1, effects: 1 })]);
});

test('that the outside is away is told until it is back', async () => {
  const away = async () => (await get('/lag', server, { authorization: `Bearer ${TOKEN}` })).body.outside_away_since;
  expect(await away()).toBeNull();
  await store.outsideIsAway();
  expect(await away()).toBeNull();
  await store.probeOutside(['nothing'], 60_000, 0);
  expect(await away()).toEqual(expect.any(String));
  await store.outsideIsBack();
  expect(await away()).toBeNull();
});

test.each(['/inbox', '/outbox', '/effects', '/audit', '/things', '/nothing'])('%s needs the token', async (path) => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: TOKEN }] as Record<string, string>[]) {
    const { status, headers: answered, body } = await get(path, server, headers);
    expect([status, answered.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(body).toMatchObject({ type: 'urn:order-events:problem:unauthorized' });
  }
});

test('without a token in the configuration nobody is let in', async () => {
  const { status, body } = await get('/inbox', closed, { authorization: 'Bearer undefined' });
  expect([status, body.type]).toEqual([403, 'urn:order-events:problem:operator-off']);
});

test.each([
  ['/inbox', ['o2', 'o1']],
  ['/inbox?limit=1', ['o2']],
  ['/inbox?key=o1', ['o1']],
  ['/inbox?state=dead', ['o2']],
  ['/inbox?state=dead&key=o1', []],
  ['/outbox', ['o2', 'o1']],
  ['/outbox?key=o1', ['o1']],
  ['/effects', ['o2', 'o1']],
  ['/effects?state=closed', ['o1']],
  ['/effects?state=open', ['o2']],
  ['/effects?key=o2&limit=1', ['o2']],
])('%s lists %j', async (path, keys) => {
  const { status, body } = await asOperator(path);
  const { items } = body as { items: { key: string }[] };
  expect([status, items.map(({ key }) => key)]).toEqual([200, keys]);
});

test('an operator is answered while orders have all connections', async () => {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const orders = Array.from({ length: CONNECTIONS }, () => store.transact(() => ended));
  for (const path of ['/inbox', '/inbox?key=o1', '/effects', '/dead-letters'])
    expect((await asOperator(path)).status).toBe(200);
  end();
  await Promise.all(orders);
});

test('a dead letter is shown with what went wrong', async () => {
  const { body } = await asOperator('/inbox?state=dead');
  expect(body.items).toMatchObject([
    { consumer_group: 'inventory', topic: 'inventory.reserved', attempts: 3, errors: [{ error: 'Error: too little' }] },
  ]);
});

test.each(['/inbox', '/effects', '/nothing', '/readyz'])('nobody on the way keeps what %s answers', async (path) => {
  expect((await asOperator(path)).headers.get('cache-control')).toBe('no-store');
});

test('the age of the outbox is shown, and what an effect is called with is not', async () => {
  expect((await asOperator('/outbox')).body.oldest_ms).toBeGreaterThan(0);
  expect((await asOperator('/effects')).text).not.toContain('token of a card');
});

test.each([
  ['/inbox', ['applied', 'retrying', 'dead', 'expired', 'discarded']],
  ['/effects', ['waiting', 'open', 'closed']],
])('of %s the states %j can be asked for, and no other', async (path, states) => {
  for (const state of states) expect((await asOperator(`${path}?state=${state}`)).status).toBe(200);
  const { status, body } = await asOperator(`${path}?state=foo`);
  expect([status, body.errors[0].pointer]).toEqual([400, '/state']);
  for (const state of states) expect(body.errors[0].detail).toContain(state);
});

test.each([
  '/inbox?limit=0',
  '/inbox?limit=1001',
  '/outbox?limit=many',
  '/outbox?state=dead',
  '/effects?states=open',
  '/inbox?key=a&key=b',
])('%s is refused', async (path) => {
  const { status, body } = await asOperator(path);
  expect([status, body.type]).toEqual([400, 'urn:order-events:problem:invalid-request']);
});

test.each(['/healthz', '/readyz', '/metrics', '/inbox', '/outbox', '/effects'])(
  'POST %s is not possible',
  async (path) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', headers });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await response.json()).toMatchObject({ type: 'urn:order-events:problem:method-not-allowed' });
  },
);

test('routes of the domain come with their bodies, and others do not exist', async () => {
  const response = await fetch(`http://127.0.0.1:${server.port}/things`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: '{"a":1}',
  });
  expect(await response.json()).toEqual({ a: 1 });
  expect((await asOperator('/nothing')).status).toBe(404);
});
