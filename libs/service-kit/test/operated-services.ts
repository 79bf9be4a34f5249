import { pino } from 'pino';
import { consumedBy, deadLetterTopic, type CloudEvent } from '@order-events/contracts';
import { encode, systemRuntime, type EventHandler, type OutboxEntry } from '@order-events/messaging';
import { sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import { counters, counterTables, freePort, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { loadConfig } from '../src/config/load';
import { EventService, SERVICE_SETTINGS } from '../src/service/event-service';

type Counters = typeof counters;

export const TOPIC = 'inventory.reserved';
export const TOKEN = 'a token that is long enough';

/** What a test stands on. */
export interface World {
  own: TestDatabase;
  events: TestDatabase;
  outside: PostgresTransport;
  /** The processes of the service. */
  running: EventService<Counters>[];
  /** Orders at whose events the handler throws, for good. */
  poisoned: Set<string>;
}
export const world = {} as World;

/** Gives each test of the file databases of its own, and ends what it has started. */
export function inWorlds(): void {
  beforeEach(async () => {
    const [own, events] = [await testDatabase(), await testDatabase()];
    await migrate({ ownerUrl: own.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
    await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
    await withClient(own.url, (client) => client.query(counterTables));
    const { url } = events;
    const outside = new PostgresTransport({
      url,
      connections: 1,
      applicationName: 'test',
      prefix: '',
      onError: () => {},
    });
    await outside.declare([{ topic: TOPIC, groups: ['order-api'] }, deadLetterTopic]);
    Object.assign(world, { own, events, outside, running: [], poisoned: new Set() } satisfies World);
  });
  afterEach(async () => {
    const { own, events, outside, running } = world;
    await Promise.all(running.map((service) => service.stop()));
    await outside.close();
    await Promise.all([own.drop(), events.drop()]);
  });
}

const counting: EventHandler<Counters, typeof TOPIC> = {
  topic: TOPIC,
  keys: ({ subject }: CloudEvent) => ({ counters: [subject] }),
  decide(rows, { subject }) {
    if (world.poisoned.has(subject)) throw new Error(`cannot count ${subject}`);
    const row = rows.counters.get(subject)!;
    return { rows: { counters: [{ ...row, version: row.version + 1, count: row.count + 1 }] } };
  },
};
const others = consumedBy('order-api')
  .filter((topic) => topic !== TOPIC)
  .map((topic): EventHandler<Counters> => ({ topic, keys: () => ({}), decide: () => ({}) }));

/** One process of the service; returns how its operator asks it. */
export async function start() {
  const port = await freePort();
  const env = { DATABASE_URL: world.own.url, EVENTS_DATABASE_URL: world.events.url, OPERATOR_TOKEN: TOKEN };
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: port }, env);
  const log = pino({ level: 'silent' });
  const service = new EventService<Counters>({ service: 'order-api', tables: counters, config, log });
  world.running.push(service);
  await service.start([]);
  await service.consume([counting, ...others]);
  return async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
}
export type Ask = Awaited<ReturnType<typeof start>>;

export const reserved = (order: string) =>
  encode({ type: TOPIC, subject: order, sequence: 1, data: { order_id: order } }, systemRuntime.eventId(), {
    source: '/inventory',
  });
export async function publish(...messages: OutboxEntry[]): Promise<void> {
  expect(await world.outside.publish(messages)).toEqual(messages.map(() => ({ stored: true })));
}
export const sql = <R extends object>({ url }: TestDatabase, text: string): Promise<R[]> =>
  withClient(url, async (client) => (await client.query<R>(text)).rows);
export const counted = async () => {
  const rows = await sql<{ name: string; count: string }>(
    world.own,
    'SELECT name, count FROM counters WHERE count > 0',
  );
  return new Map(rows.map(({ name, count }) => [name, Number(count)]));
};
export const lag = async (ask: Ask) => (await ask('/lag')).body;
/** The backoff of ten tries takes minutes. What is being tried just now is left alone: it is locked in another order. */
export const hurry = () =>
  sql(
    world.own,
    `UPDATE failures SET due_at = clock_timestamp() WHERE (consumer_group, id) IN (
       SELECT consumer_group, id FROM failures WHERE due_at IS NOT NULL FOR UPDATE SKIP LOCKED)`,
  );
