import { pino } from 'pino';
import {
  consumedBy,
  DEAD_LETTERED,
  deadLetterTopic,
  events as contracts,
  type CloudEvent,
} from '@order-events/contracts';
import { encode, systemRuntime, withAttribute, type EventHandler, type OutboxEntry } from '@order-events/messaging';
import { sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import {
  counters,
  counterTables,
  eventually,
  freePort,
  testDatabase,
  withClient,
  type TestDatabase,
} from '@order-events/testing';
import { loadConfig } from '../config/load';
import { EventService, SERVICE_SETTINGS } from './event-service';

type Counters = typeof counters;

const TOPIC = 'inventory.reserved';
const TOKEN = 'a token that is long enough';
let own: TestDatabase;
let events: TestDatabase;
let outside: PostgresTransport;
const running: EventService<Counters>[] = [];
/** Orders at whose events the handler throws, for good. */
let poisoned: Set<string>;

beforeEach(async () => {
  [own, events] = [await testDatabase(), await testDatabase()];
  await migrate({ ownerUrl: own.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
  await withClient(own.url, (client) => client.query(counterTables));
  const { url } = events;
  outside = new PostgresTransport({ url, connections: 1, applicationName: 'test', prefix: '', onError: () => {} });
  await outside.declare([{ topic: TOPIC, groups: ['order-api'] }, deadLetterTopic]);
  poisoned = new Set();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
  await outside.close();
  await Promise.all([own.drop(), events.drop()]);
});

const counting: EventHandler<Counters, typeof TOPIC> = {
  topic: TOPIC,
  keys: ({ subject }: CloudEvent) => ({ counters: [subject] }),
  decide(rows, { subject }) {
    if (poisoned.has(subject)) throw new Error(`cannot count ${subject}`);
    const row = rows.counters.get(subject)!;
    return { rows: { counters: [{ ...row, version: row.version + 1, count: row.count + 1 }] } };
  },
};
const others = consumedBy('order-api')
  .filter((topic) => topic !== TOPIC)
  .map((topic): EventHandler<Counters> => ({ topic, keys: () => ({}), decide: () => ({}) }));

/** One process of the service; returns how its operator asks it. */
async function start() {
  const port = await freePort();
  const env = { DATABASE_URL: own.url, EVENTS_DATABASE_URL: events.url, OPERATOR_TOKEN: TOKEN };
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: port }, env);
  const log = pino({ level: 'silent' });
  const service = new EventService<Counters>({ service: 'order-api', tables: counters, config, log });
  running.push(service);
  await service.start([]);
  await service.consume([counting, ...others]);
  return async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
}
type Ask = Awaited<ReturnType<typeof start>>;

const reserved = (order: string) =>
  encode({ type: TOPIC, subject: order, sequence: 1, data: { order_id: order } }, systemRuntime.eventId(), {
    source: '/inventory',
  });
async function publish(...messages: OutboxEntry[]): Promise<void> {
  expect(await outside.publish(messages)).toEqual(messages.map(() => ({ stored: true })));
}
const sql = <R extends object>({ url }: TestDatabase, text: string): Promise<R[]> =>
  withClient(url, async (client) => (await client.query<R>(text)).rows);
const counted = async () => {
  const rows = await sql<{ name: string; count: string }>(own, 'SELECT name, count FROM counters WHERE count > 0');
  return new Map(rows.map(({ name, count }) => [name, Number(count)]));
};
const lag = async (ask: Ask) => (await ask('/lag')).body;
/** The backoff of ten tries takes minutes. */
const hurry = () => sql(own, 'UPDATE failures SET due_at = clock_timestamp() WHERE due_at IS NOT NULL');

test('five poison events among many die alone, with their errors; mended and redriven, they are applied once', async () => {
  const orders = Array.from({ length: 300 }, (_, i) => `o${i}`);
  poisoned = new Set(['o7', 'o70', 'o100', 'o101', 'o299']);
  const ask = await start();
  await publish(...orders.map(reserved));
  await eventually(async () => (await counted()).size === 295);
  await eventually(async () => {
    await hurry();
    return (await lag(ask)).dead === 5;
  });
  expect(await lag(ask)).toMatchObject({ group: 'order-api', paused: null, retrying: 0, dead: 5, backlog: 0 });

  const { body: first } = await ask('/dead-letters?limit=3');
  const { body: rest } = await ask(`/dead-letters?limit=3&cursor=${first.next_cursor}`);
  const letters = [...first.items, ...rest.items];
  expect(rest.next_cursor).toBeNull();
  expect(new Set(letters.map(({ key }) => key))).toEqual(poisoned);
  const letter = letters.find(({ key }) => key === 'o70');
  expect(letter).toMatchObject({ consumer_group: 'order-api', attempts: 10, error: 'Error: cannot count o70' });
  const { body: shown } = await ask(`/dead-letters/order-api/${letter.id}`);
  expect(shown).toMatchObject({ state: 'dead', body: '{"order_id":"o70"}', body_encoding: 'utf-8' });
  expect(shown.headers).toMatchObject({ 'ce-id': letter.id, 'ce-type': TOPIC });
  expect(shown.errors).toHaveLength(5);

  const why = { actor: 'ann', reason: 'counting is mended' };
  expect((await ask('/dead-letters/redrive', { dry_run: true })).body).toEqual({ dry_run: true, count: 5 });
  expect((await ask('/dead-letters/redrive', {})).status).toBe(400);
  poisoned.clear();
  const order = { ...why, group: 'order-api', error: 'cannot count', per_second: 100 };
  const answers = await Promise.all([order, order].map((each) => ask('/dead-letters/redrive', each)));
  expect(answers.map(({ body }) => body.count).reduce((sum, count) => sum + count)).toBe(5);
  await eventually(async () => (await counted()).size === 300);
  expect(new Set((await counted()).values())).toEqual(new Set([1]));
  expect((await ask('/dead-letters')).body).toEqual({ items: [], next_cursor: null });
  expect((await ask(`/dead-letters/order-api/${letter.id}`)).status).toBe(404);
  expect((await ask(`/actions?event_id=${letter.id}`)).body.items).toMatchObject([{ ...why, action: 'redrive' }]);
});

test('what is discarded is not tried again, and its bytes can still be read', async () => {
  const ask = await start();
  const garbage = { ...reserved('o1'), headers: {}, body: Buffer.from([0, 255, 1]) };
  await publish(garbage);
  await eventually(async () => (await lag(ask)).dead === 1);
  const [{ id }] = (await ask('/dead-letters')).body.items;
  expect((await ask(`/dead-letters/a%00b/${id}`)).status).toBe(404);
  const why = { actor: 'ann', reason: 'not one of ours' };
  expect((await ask('/dead-letters/discard', { ...why, id })).body).toEqual({ dry_run: false, count: 1 });
  expect(await lag(ask)).toMatchObject({ dead: 0, retrying: 0 });
  expect((await ask(`/dead-letters/order-api/${id}`)).body).toMatchObject({
    state: 'discarded',
    body: 'AP8B',
    body_encoding: 'base64',
    actions: [{ ...why, action: 'discard' }],
  });
});

test('a dead letter is told of, and one that the broker refused is published when it is redriven', async () => {
  const ask = await start();
  const event = reserved('o1');
  const { id, topic, key } = event;
  const failure = { message: event, error: 'too large', attempts: 1 };
  await running[0]!.store.transact((tx) => tx.take('relay', [{ id, topic, key, state: 'dead', failure }]));
  await publish({ ...reserved('o2'), body: Buffer.from('{}') });
  const told = () => sql<{ body: Buffer }>(events, `SELECT body FROM log WHERE topic = '${DEAD_LETTERED}'`);
  await eventually(async () => (await told()).length === 1);
  const { body } = (await told())[0]!;
  expect(JSON.parse(body.toString())).toMatchObject({ group: 'order-api', key: 'o2', attempts: 1 });

  const order = { actor: 'ann', reason: 'the broker takes more now', group: 'relay' };
  expect((await ask('/dead-letters/redrive', order)).body).toEqual({ dry_run: false, count: 1 });
  // The topic is one that it consumes, too.
  await eventually(async () => (await counted()).get('o1') === 1);
  await eventually(async () => (await ask('/inbox?state=applied&key=o1')).body.items.length === 2);
});

test('a version that is not known yet waits, as the operator sees, and is released by a deployment that knows it', async () => {
  const ask = await start();
  const { version } = contracts[TOPIC];
  const newer = { ...reserved('o1'), ...withAttribute(reserved('o1'), 'dataschema', `urn:order-events:${TOPIC}:99`) };
  const id = newer.headers['ce-id'];
  await publish(newer);
  await eventually(async () => (await lag(ask)).retrying === 1);
  expect((await ask('/inbox?state=retrying')).body.items).toMatchObject([
    { id, topic: TOPIC, errors: [{ error: expect.stringContaining('newer_version') }] },
  ]);
  expect((await ask(`/dead-letters/order-api/${id}`)).body).toMatchObject({ state: 'retrying', attempts: 0 });
  expect((await ask('/dead-letters')).body.items).toEqual([]);
  try {
    Object.assign(contracts[TOPIC], { version: 99 });
    await hurry();
    await eventually(async () => (await counted()).get('o1') === 1);
  } finally {
    Object.assign(contracts[TOPIC], { version });
  }
  expect(await lag(ask)).toMatchObject({ retrying: 0, dead: 0 });
});

test.each([
  ['/dead-letters/redrive', { actor: 'ann' }, '/reason'],
  ['/dead-letters/redrive', { actor: '', reason: 'x' }, '/actor'],
  ['/dead-letters/redrive', { dry_run: true, id: 'o1' }, '/id'],
  ['/dead-letters/redrive', { dry_run: true, per_second: 0 }, '/per_second'],
  ['/dead-letters/redrive', { dry_run: 'yes' }, '/dry_run'],
  ['/dead-letters/discard', { dry_run: true, per_second: 1 }, ''],
  ['/dead-letters/discard', { actor: 'a\0', reason: 'x' }, '/actor'],
  ['/pause', { actor: 'ann' }, '/reason'],
])('%s refuses %j', async (path, body, pointer) => {
  const ask = await start();
  const answer = await ask(path, body);
  expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
});

test.each([{}, { dry_run: true }, { limit: 5 }])(
  'a discard that does not say of what is refused: %j',
  async (which) => {
    const ask = await start();
    const { status, body } = await ask('/dead-letters/discard', { ...which, actor: 'ann', reason: 'x' });
    expect([status, body.type]).toEqual([400, 'urn:order-events:problem:names-nothing']);
  },
);

test.each([
  '/dead-letters?cursor=x',
  `/dead-letters?cursor=${Buffer.from(`["0000-01-01T00:00:00Z","g","00000000-0000-7000-8000-000000000000"]`).toString('base64url')}`,
  '/dead-letters?older_than=soon',
  '/dead-letters?state=dead',
  '/actions?event_id=1',
])('%s is refused', async (path) => {
  const ask = await start();
  expect((await ask(path)).status).toBe(400);
});

test('a paused group stands still in every process, also in one that starts, and goes on when it is resumed', async () => {
  const [one, two] = [await start(), await start()];
  poisoned.add('bad');
  await publish(reserved('o1'), reserved('bad'));
  await eventually(async () => (await counted()).size === 1);
  const why = { actor: 'ann', reason: 'the handler is wrong' };
  const { body } = await one('/pause', why);
  expect(body).toMatchObject({ group: 'order-api', paused: why });
  const members = async () =>
    (await sql(events, `SELECT FROM log_cursor WHERE reader = 'order-api' AND owner IS NOT NULL`)).length;
  await eventually(async () => (await members()) === 0);
  await publish(reserved('o2'));
  const three = await start();
  poisoned.clear();
  await hurry();
  for (const ask of [one, two, three]) expect(await lag(ask)).toMatchObject({ paused: why, backlog: 1, retrying: 1 });
  expect([...(await counted()).keys()]).toEqual(['o1']);
  expect(await members()).toBe(0);
  for (const { checks } of running) await checks['consuming']!();

  expect((await two('/resume', { actor: 'bob', reason: 'mended' })).body).toEqual({ group: 'order-api', paused: null });
  await eventually(async () => (await counted()).size === 3);
  expect((await three('/actions')).body.items).toMatchObject([
    { action: 'resume', actor: 'bob', consumer_group: 'order-api' },
    { ...why, action: 'pause' },
  ]);
});

test('a handler that fails at everything pauses its group, instead of making a dead letter of each order', async () => {
  const orders = Array.from({ length: 2_000 }, (_, n) => `o${n}`);
  poisoned = new Set(orders);
  const [one, two] = [await start(), await start()];
  await publish(...orders.map(reserved));
  await eventually(async () => (await lag(one)).paused !== null);
  const paused = {
    actor: 'order-api',
    reason: expect.stringMatching(/^\d+ of the last \d+ orders failed, .*cannot count o/),
  };
  // Each process has its own alarm: one that has not seen the pause yet would order another, after the resume.
  const figures = () => Promise.all(running.map(({ metrics }) => metrics.registry.metrics()));
  const isPaused = /^order_events_paused\{service="order-api"\} 1$/m;
  await eventually(async () => (await figures()).every((figure) => isPaused.test(figure)));
  expect(await lag(one)).toMatchObject({ paused, dead: 0 });
  const { retrying, backlog } = await lag(one);
  expect(retrying).toBeGreaterThan(50);
  expect(backlog).toBeGreaterThan(0);

  poisoned.clear();
  await one('/resume', { actor: 'ann', reason: 'mended' });
  await eventually(async () => {
    await hurry();
    return (await counted()).size === orders.length;
  });
  expect(new Set((await counted()).values())).toEqual(new Set([1]));
  expect(await lag(two)).toMatchObject({ paused: null, retrying: 0, dead: 0, backlog: 0 });
});

test('orders that fail again and again pause nobody, also when nothing else happens', async () => {
  const orders = Array.from({ length: 200 }, (_, n) => `o${n}`);
  poisoned = new Set(orders.filter((_, n) => n % 3 === 0));
  const ask = await start();
  await publish(...orders.map(reserved));
  await eventually(async () => (await counted()).size === 133);
  await eventually(async () => {
    await hurry();
    const { dead, paused } = await lag(ask);
    return dead === 67 || paused !== null;
  });
  expect(await lag(ask)).toMatchObject({ dead: 67, paused: null });
});
