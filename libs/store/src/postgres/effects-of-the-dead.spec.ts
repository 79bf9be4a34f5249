import { eventually, FaultProxy, type TestDatabase, testDatabase, withClient } from '@order-events/testing';
import { migrate } from '../migrate';
import { sharedMigrations } from '../migrations';
import { PostgresStore } from './store';

const HOUR_MS = 3_600_000;
const CONNECTIONS = 2;

let database: TestDatabase;
let errors: Error[];
const opened: PostgresStore[] = [];
beforeEach(async () => {
  errors = [];
  database = await testDatabase();
  await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await database.drop();
});

function open(applicationName: string, url = database.url): PostgresStore {
  const onError = (error: Error) => void errors.push(error);
  const store = new PostgresStore({ url, connections: CONNECTIONS, applicationName, onError });
  opened.push(store);
  return store;
}

const intend = (store: PostgresStore) =>
  store.transact((tx) => tx.intend([{ kind: 'test.call', key: 'a', idempotencyKey: 'a.one', input: {} }]));
const claim = (store: PostgresStore, leaseMs = HOUR_MS) => store.claimEffects(['test.call'], 10, leaseMs);

const sql = <R extends object = object>(text: string): Promise<R[]> =>
  withClient(database.url, async (client) => (await client.query<R>(text)).rows);
const kill = (which: string) => sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${which}`);

async function close(store: PostgresStore): Promise<void> {
  opened.splice(opened.indexOf(store), 1);
  await store.close();
}

async function runner(): Promise<string> {
  const [row] = await opened[0]!.database.query<{ runner: string }>(
    `SELECT concat_ws(' ', runner_backend, runner_backend_start) AS runner FROM effects`,
  );
  return row!.runner;
}

test('an effect whose runner is gone is called by another long before its lease ends', async () => {
  const [other, dying] = [open('other'), open('dying')];
  await intend(dying);
  expect(await claim(dying)).toHaveLength(1);
  expect(await claim(other)).toEqual([]);
  await close(dying);
  let found = await claim(other);
  while (found.length === 0) found = await claim(other);
  expect(found).toMatchObject([{ idempotencyKey: 'a.one', attempts: 1 }]);
  expect(errors).toEqual([]);
});

test('a runner that has only lost its connection keeps what it has in hand, even if its lease has ended meanwhile', async () => {
  const [other, cut] = [open('other'), open('cut')];
  await intend(cut);
  expect(await claim(cut)).toHaveLength(1);
  await sql(`UPDATE effects SET due_at = clock_timestamp()`);
  const before = await runner();
  // However long this machine takes to connect again: to the other no time passes in which the runner stays away.
  jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  await kill(`application_name = 'cut'`);
  while ((await runner()) === before) expect(await claim(other)).toEqual([]);
  expect(errors).not.toEqual([]);
  await cut.deferEffect('a.one', 'Error: no answer', 0);
  expect(await claim(other)).toMatchObject([{ idempotencyKey: 'a.one', attempts: 1 }]);
});

test('time without an answer of the database is not held against a runner', async () => {
  const { hostname, port } = new URL(database.url);
  const proxy = await FaultProxy.to({ host: hostname, port: Number(port) });
  const [dying, other] = [open('dying'), open('other', database.url.replace(`:${port}/`, `:${proxy.port}/`))];
  await intend(dying);
  expect(await claim(dying)).toHaveLength(1);
  await close(dying);
  await eventually(
    async () => (await sql(`SELECT FROM pg_stat_activity WHERE application_name = 'dying'`)).length === 0,
  );
  expect(await claim(other)).toEqual([]);

  const passed = timePasses();
  await proxy.refuse();
  passed(HOUR_MS);
  await expect(claim(other)).rejects.toMatchObject({ kind: 'unavailable' });
  await proxy.heal();
  for (const ms of [HOUR_MS, 1_000, 1_000]) {
    passed(ms);
    expect(await claim(other)).toEqual([]);
  }
  passed(1_000);
  expect(await claim(other)).toMatchObject([{ idempotencyKey: 'a.one', attempts: 1 }]);
  await close(other);
  await proxy.close();
});

/** Moves the clock of this process on. */
function timePasses(): (ms: number) => void {
  const { performance } = globalThis;
  const now = performance.now.bind(performance);
  let passed = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now() + passed);
  return (ms) => void (passed += ms);
}

test('what is claimed while the connection is lost and made again is claimed by the new one', async () => {
  const cut = open('cut');
  await intend(cut);
  expect(await claim(cut, 0)).toHaveLength(1);
  const before = await runner();
  // The next claim comes to the server, and waits there.
  await sql(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$`);
  await sql(`CREATE TRIGGER wait BEFORE UPDATE ON effects FOR EACH ROW
    WHEN (NEW.due_at > clock_timestamp() + interval '1 minute') EXECUTE FUNCTION wait()`);
  await sql(`UPDATE effects SET runner = NULL, runner_backend = NULL, runner_backend_start = NULL`);
  await withClient(database.url, async (client) => {
    await client.query('SELECT pg_advisory_lock(1)');
    const claimed = claim(cut);
    await eventually(
      async () => (await sql(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).length > 0,
    );
    await kill(`pid = ${before.split(' ')[0]}`);
    const kept = `application_name = 'cut' AND state = 'idle' AND query LIKE 'UPDATE effects SET runner_backend%'`;
    await eventually(async () => (await sql(`SELECT FROM pg_stat_activity WHERE ${kept}`)).length > 0);
    await client.query('SELECT pg_advisory_unlock(1)');
    expect(await claimed).toHaveLength(1);
  });
  const living =
    'SELECT FROM effects JOIN pg_stat_activity ON pid = runner_backend AND backend_start = runner_backend_start';
  expect(await sql(living)).toHaveLength(1);
});

test('what is in hand is carried over to a new connection also while all others are taken', async () => {
  const cut = open('cut');
  await intend(cut);
  expect(await claim(cut)).toHaveLength(1);
  const before = await runner();
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const transactions = Array.from({ length: CONNECTIONS }, () => cut.transact(() => ended));
  await eventually(
    async () => (await sql(`SELECT FROM pg_stat_activity WHERE state = 'idle in transaction'`)).length === 2,
  );
  await kill(`pid = ${before.split(' ')[0]}`);
  await eventually(
    async () =>
      (await sql<{ pid: number }>('SELECT runner_backend AS pid FROM effects'))[0]!.pid !==
      Number(before.split(' ')[0]),
  );
  end();
  await Promise.all(transactions);
});
