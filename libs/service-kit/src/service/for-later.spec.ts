import { pino } from 'pino';
import { auditTopics, consumedBy, declarations } from '@order-events/contracts';
import { encode, systemRuntime, type EventHandler } from '@order-events/messaging';
import { sharedMigrations, type PostgresStore } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import {
  brokerNames,
  counters,
  counterTables,
  describeBroker,
  eventually,
  orderBody,
  sharedBroker,
  testDatabase,
  withClient,
  type TestDatabase,
} from '@order-events/testing';
import { eventsMigrations } from '@order-events/transport-postgres';
import { loadConfig } from '../config/load';
import { openTransport, TRANSPORT_SETTINGS } from '../transports';
import { EventService, SERVICE_SETTINGS } from './event-service';

type Counters = typeof counters;
const TOPIC = 'order.completed';
const HOUR_MS = 3_600_000;

let publishing: TestDatabase;
let consuming: TestDatabase;
let running: EventService<Counters>[];
beforeEach(async () => {
  [publishing, consuming, running] = [await testDatabase(), await testDatabase(), []];
  for (const { url } of [publishing, consuming])
    await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  await withClient(consuming.url, (client) => client.query(counterTables));
});
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await Promise.all([publishing.drop(), consuming.drop()]);
});

const log = pino({ level: 'silent' });
const sql = async <R extends object>({ url }: TestDatabase, text: string): Promise<R[]> =>
  withClient(url, async (client) => (await client.query<R>(text)).rows);

/** Counts how often each order's event is handled. */
const counting: EventHandler<Counters, typeof TOPIC> = {
  topic: TOPIC,
  keys: ({ subject }) => ({ counters: [subject] }),
  decide(rows, { subject }) {
    const row = rows.counters.get(subject)!;
    return { rows: { counters: [{ ...row, version: row.version + 1, count: row.count + 1 }] } };
  },
};
const others = consumedBy('email')
  .filter((topic) => topic !== TOPIC)
  .map((topic): EventHandler<Counters> => ({ topic, keys: () => ({}), decide: () => ({}) }));

function service(name: 'order-api' | 'email', own: TestDatabase, env: NodeJS.ProcessEnv): EventService<Counters> {
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: 0 }, { ...env, DATABASE_URL: own.url });
  const made = new EventService<Counters>({ service: name, tables: counters, config, log });
  running.push(made);
  return made;
}
/** One process of the service that publishes. */
async function publisher(env: NodeJS.ProcessEnv): Promise<EventService<Counters>> {
  const process = service('order-api', publishing, env);
  await process.start([]);
  return process;
}
async function append({ store }: { store: PostgresStore }, order: string, delayMs?: number): Promise<void> {
  const data = { ...orderBody(order), carrier: 'c', tracking_number: 't' };
  const event = { type: TOPIC, subject: order, sequence: 1, data, ...(delayMs !== undefined && { delayMs }) } as const;
  const entry = encode(event, systemRuntime.eventId(), { source: '/order-api' });
  await store.transact((tx) => tx.append([entry]));
}
async function declare(env: NodeJS.ProcessEnv): Promise<void> {
  const surroundings = { applicationName: 'setup', onError: () => {}, onCoded: () => {} };
  const { transport } = openTransport(loadConfig(TRANSPORT_SETTINGS, {}, env), surroundings);
  const wanted = [...consumedBy('email'), ...auditTopics.map(({ topic }) => topic)] as readonly string[];
  await transport.declare(declarations.filter(({ topic }) => wanted.includes(topic)));
  await transport.close();
}
const handled = () =>
  sql<{ name: string; count: string }>(consuming, 'SELECT name, count FROM counters WHERE count > 0 ORDER BY name');
const isHandled = async (order: string) => (await handled()).some(({ name }) => name === order);

/** Both databases are of one server, and so go by one clock. */
async function outlivesItsService(env: NodeJS.ProcessEnv): Promise<void> {
  await declare(env);
  await service('email', consuming, env).consume([counting, ...others]);
  const first = await publisher(env);
  await append(first, 'later', HOUR_MS);
  await append(first, 'now');
  await eventually(() => isHandled('now'));
  await first.stop();
  running.splice(running.indexOf(first), 1);
  expect(await sql(publishing, `SELECT due_at > clock_timestamp() AS waits FROM schedule`)).toEqual([{ waits: true }]);

  const living = [await publisher(env), await publisher(env)];
  // The hour is cut short while they live, to a moment that is still to come.
  const cut = `UPDATE schedule SET due_at = clock_timestamp() + interval '1500 ms' RETURNING due_at`;
  const [{ due_at }] = (await sql<{ due_at: Date }>(publishing, cut)) as [{ due_at: Date }];
  await eventually(() => isHandled('later'));
  await append(living[0]!, 'last');
  await eventually(() => isHandled('last'));
  const [taken] = await sql<{ at: Date }>(consuming, `SELECT at FROM inbox WHERE key = 'later'`);
  expect(taken!.at.getTime()).toBeGreaterThanOrEqual(due_at.getTime());
  expect(await handled()).toEqual(['last', 'later', 'now'].map((name) => ({ name, count: '1' })));
  expect(await sql(publishing, 'SELECT key FROM outbox ORDER BY position')).toEqual(
    ['now', 'later', 'last'].map((key) => ({ key })),
  );
  expect(await sql(publishing, 'SELECT key FROM schedule')).toEqual([]);
}

const WHAT =
  'what is for later comes not before its time, once, also when its service has ended and begun again meanwhile';

describe('postgres', () => {
  let events: TestDatabase;
  beforeEach(async () => {
    events = await testDatabase();
    await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
  });
  afterEach(async () => {
    // Whoever is connected ends first.
    await Promise.all(running.splice(0).map((service) => service.stop()));
    await events.drop();
  });

  test(WHAT, () => outlivesItsService({ EVENTS_DATABASE_URL: events.url }));
});

for (const name of brokerNames)
  describeBroker(name, () => {
    test(WHAT, async () => outlivesItsService({ ...(await sharedBroker(name)).env, TRANSPORT: name }));
  });

describeBroker('nats', () => {
  test(`without JetStream: ${WHAT}`, async () =>
    outlivesItsService({ ...(await sharedBroker('nats')).env, TRANSPORT: 'nats', NATS_MODE: 'core' }));
});
