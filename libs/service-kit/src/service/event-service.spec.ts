import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { pino } from 'pino';
import { consumedBy, type CloudEvent } from '@order-events/contracts';
import {
  encode,
  systemRuntime,
  type Decision,
  type EffectHandler,
  type EventHandler,
  type RetryPolicy,
  type Rows,
} from '@order-events/messaging';
import { sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import {
  counters,
  counterTables,
  eventually,
  testDatabase,
  withClient,
  type TestDatabase,
} from '@order-events/testing';
import { loadConfig } from '../config/load';
import { EventsModule } from '../nest/events.module';
import { startNest } from '../nest/start';
import { EventService, SERVICE_SETTINGS } from './event-service';

type Counters = typeof counters;
type Reserved = CloudEvent<'inventory.reserved'>;

const TOPIC = 'inventory.reserved';
const log = pino({ level: 'silent' });
let own: TestDatabase;
let events: TestDatabase;
let outside: PostgresTransport;

beforeEach(async () => {
  [own, events] = [await testDatabase(), await testDatabase()];
  await migrate({ ownerUrl: own.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
  await withClient(own.url, (client) => client.query(counterTables));
  const { url } = events;
  outside = new PostgresTransport({ url, connections: 1, applicationName: 'test', prefix: '', onError: () => {} });
  await outside.declare([
    { topic: TOPIC, groups: ['order-api'] },
    { topic: 'payment.voided', groups: [] },
  ]);
});
afterEach(async () => {
  await outside.close();
  await Promise.all([own.drop(), events.drop()]);
});

const config = () =>
  loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: 0 }, { DATABASE_URL: own.url, EVENTS_DATABASE_URL: events.url });
const options = () => ({ service: 'order-api' as const, tables: counters, config: config(), log });
const newService = () => new EventService<Counters>(options());

const keys = ({ subject }: CloudEvent) => ({ counters: [subject] });
function count(rows: Rows<Counters>, order: string): Decision<Counters> {
  const row = rows.counters.get(order)!;
  const next = { ...row, version: row.version + 1, count: row.count + 1 };
  return {
    rows: { counters: [next] },
    events: [{ type: 'payment.voided', subject: order, sequence: next.version, data: { order_id: order } }],
  };
}
const counting: EventHandler<Counters, typeof TOPIC> = {
  topic: TOPIC,
  keys,
  decide: (rows, { subject }) => count(rows, subject),
};

/** The other topics of the group; nothing comes of them here. */
const others = consumedBy('order-api')
  .filter((topic) => topic !== TOPIC)
  .map((topic): EventHandler<Counters> => ({ topic, keys: () => ({}), decide: () => ({}) }));

async function publish(...orders: string[]): Promise<void> {
  const messages = orders.map((order) =>
    encode({ type: TOPIC, subject: order, sequence: 1, data: { order_id: order } }, systemRuntime.eventId(), {
      source: '/inventory',
    }),
  );
  expect(await outside.publish(messages)).toEqual(orders.map(() => ({ stored: true })));
}

const sql = <R extends object>({ url }: TestDatabase, text: string): Promise<R[]> =>
  withClient(url, async (client) => (await client.query<R>(text)).rows);
const published = async () =>
  (await sql<{ key: string }>(events, `SELECT key FROM log WHERE topic = 'payment.voided'`)).map(({ key }) => key);
const applied = async () =>
  (await sql<{ key: string }>(own, `SELECT key FROM inbox WHERE state = 'applied' ORDER BY key`)).map(({ key }) => key);

test('consumes, decides, makes calls and publishes; stops with everything acknowledged', async () => {
  const called: string[] = [];
  const effect: EffectHandler<Counters, { order: string }> = {
    kind: 'call',
    call: async (_, { idempotencyKey }) => called.push(idempotencyKey),
    keys: ({ order }) => ({ counters: [order] }),
    decide: (rows, { order }) => count(rows, order),
  };
  const handler: EventHandler<Counters, typeof TOPIC> = {
    topic: TOPIC,
    keys,
    decide: (_, { subject }) => ({
      effects: [{ kind: 'call', key: subject, idempotencyKey: `${subject}.call`, input: { order: subject } }],
    }),
  };
  const service = newService();
  await service.start([effect]);
  await service.consume([handler, ...others]);
  await publish('o1', 'o2');
  await eventually(async () => (await published()).length === 2);
  for (const check of Object.values(service.checks)) await check();
  await service.stop();
  expect((await published()).sort()).toEqual(['o1', 'o2']);
  expect(called.sort()).toEqual(['o1.call', 'o2.call']);
  expect(await outside.backlog('order-api')).toBe(0);
  await expect(service.checks['consuming']!()).rejects.toThrow('not consuming');
});

test('a decision that throws is tried again until it can be made', async () => {
  let tries = 0;
  const handler: EventHandler<Counters, typeof TOPIC> = {
    ...counting,
    decide(rows, { subject }) {
      if (++tries < 3) throw new Error('not yet');
      return count(rows, subject);
    },
  };
  const service = newService();
  await service.start([]);
  await service.consume([handler, ...others]);
  await publish('o1');
  await eventually(async () => (await published()).length === 1);
  await service.stop();
  expect(tries).toBe(3);
  expect(await applied()).toEqual(['o1']);
  expect(await sql(own, 'SELECT id FROM failures')).toEqual([]);
});

test("a service's own retry policy says how often an event is tried, and how soon again", async () => {
  const retry: RetryPolicy = (attempts) => (attempts < 12 ? 0 : null);
  const handler: EventHandler<Counters, typeof TOPIC> = {
    ...counting,
    decide() {
      throw new Error('never');
    },
  };
  const service = new EventService<Counters>({ ...options(), retry });
  await service.consume([handler, ...others]);
  await publish('o1');
  const failed = () =>
    sql<{ state: string }>(own, 'SELECT state, attempts FROM inbox JOIN failures USING (consumer_group, id)');
  await eventually(async () => (await failed())[0]?.state === 'dead');
  await service.stop();
  expect(await failed()).toEqual([{ state: 'dead', attempts: 12 }]);
});

test('what is decided for later is published when its time has come, once, by whichever process lives then', async () => {
  const handler: EventHandler<Counters, typeof TOPIC> = {
    ...counting,
    decide(rows, { subject }) {
      const { events, ...rest } = count(rows, subject);
      return { ...rest, events: events!.map((event) => ({ ...event, delayMs: 3_600_000 })) };
    },
  };
  const first = newService();
  await first.start([]);
  await first.consume([handler, ...others]);
  await publish('o1');
  await eventually(async () => (await applied()).length === 1);
  await first.stop();
  expect(await sql(own, 'SELECT key FROM schedule')).toEqual([{ key: 'o1' }]);
  expect(await sql(own, 'SELECT key FROM outbox')).toEqual([]);

  await sql(own, 'UPDATE schedule SET due_at = clock_timestamp()');
  const living = [newService(), newService()];
  await Promise.all(living.map((service) => service.start([])));
  await eventually(async () => (await published()).length > 0);
  await Promise.all(living.map((service) => service.stop()));
  expect(await published()).toEqual(['o1']);
  expect(await sql(own, 'SELECT key FROM schedule')).toEqual([]);
});

test('stopped while it is busy: what was taken is finished and acknowledged', async () => {
  let begun = false;
  let goOn: () => void = () => undefined;
  const wait = new Promise<void>((resolve) => (goOn = resolve));
  const handler: EventHandler<Counters, typeof TOPIC> = {
    ...counting,
    async decide(rows, { subject }) {
      begun = true;
      await wait;
      return count(rows, subject);
    },
  };
  const service = newService();
  await service.start([]);
  await service.consume([handler, ...others]);
  await publish('o1');
  await eventually(() => begun);
  const stopped = service.stop();
  goOn();
  await stopped;
  expect(await applied()).toEqual(['o1']);
  expect(await outside.backlog('order-api')).toBe(0);
});

test('stopped while its database is away: gives back what it holds, and another process takes it', async () => {
  const name = new URL(own.url).pathname.slice(1);
  const letIn = (allowed: boolean) => sql(events, `ALTER DATABASE ${name} ALLOW_CONNECTIONS ${allowed}`);
  const service = newService();
  await service.start([]);
  await service.consume([counting, ...others]);
  await letIn(false);
  await sql(events, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  await publish('o1');
  await eventually(async () => /order_events_held_total\S* [1-9]/.test(await service.metrics.registry.metrics()));
  await expect(service.checks['database']!()).rejects.toThrow();
  await service.stop();
  expect(await outside.backlog('order-api')).toBe(1);

  await letIn(true);
  expect(await applied()).toEqual([]);
  const other = newService();
  await other.start([]);
  await other.consume([counting, ...others]);
  await eventually(async () => (await published()).length === 1);
  await other.stop();
  expect(await applied()).toEqual(['o1']);
});

test('what was opened on its database is closed with it', async () => {
  const service = newService();
  let url = '';
  const close = jest.fn(() => Promise.resolve());
  const opened = service.open((database) => {
    ({ url } = database);
    return { close };
  });
  expect([url, opened]).toEqual([own.url, { close }]);
  await service.start([]);
  expect(close).not.toHaveBeenCalled();
  await service.stop();
  expect(close).toHaveBeenCalledTimes(1);
});

test('a background loop that fails goes on', async () => {
  let turns = 0;
  const service = newService();
  service.every('turns', 0, () => (++turns < 3 ? Promise.reject(new Error('again')) : Promise.resolve()));
  await eventually(() => turns > 3);
  expect(await service.metrics.registry.metrics()).toMatch(/loop_failures_total\{loop="turns",\S*\} 2$/m);
  await service.stop();
});

test('as a Nest microservice: starts with the application and stops with it', async () => {
  @Controller()
  class Handlers {
    @EventPattern(TOPIC, { keys })
    reserved(@Payload() event: Reserved, @Ctx() rows: Rows<Counters>) {
      return count(rows, event.subject);
    }
  }
  // The other topics of the group, which a controller may not leave out.
  for (const topic of consumedBy('order-api')) {
    if (topic === TOPIC) continue;
    const method = { value: () => ({}), writable: true };
    Object.defineProperty(Handlers.prototype, topic, method);
    EventPattern(topic, { keys: () => ({}) })(Handlers.prototype, topic, method);
  }
  const imports = [EventsModule.forService(options())];
  const stop = await startNest({ module: class TestModule {}, imports, controllers: [Handlers] }, log);
  await publish('o1');
  await eventually(async () => (await published()).length === 1);
  await stop();
  expect(await applied()).toEqual(['o1']);
});
