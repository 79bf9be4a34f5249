import { auditTopics, requests, requestTopics, topics, topology } from '@order-events/contracts';
import { eventually, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { things } from '../../test/things';
import { Child } from '../../test/child';
import { runSetup } from './setup';

let own: TestDatabase;
let events: TestDatabase;
beforeEach(async () => {
  [own, events] = [await testDatabase(), await testDatabase()];
});
afterEach(() => Promise.all([own.drop(), events.drop()]));

/** Roles belong to the whole server, so it is the one that is there anyway. */
const setup = (env: NodeJS.ProcessEnv = {}) =>
  new Child('setup.cjs', [], {
    OWNER_DATABASE_URL: own.url,
    OWNER_EVENTS_DATABASE_URL: events.url,
    LOGIN_ROLE: 'postgres',
    ...env,
  });

const sql = <R extends object>({ url }: TestDatabase, text: string): Promise<R[]> =>
  withClient(url, async (client) => (await client.query<R>(text)).rows);

async function expectReady(): Promise<void> {
  expect(await sql(own, 'SELECT name FROM things')).toEqual([{ name: 'apple' }]);
  expect(await sql(own, 'SELECT state FROM inbox')).toEqual([]);
  const groups = await sql<{ reader: string; topics: string[] }>(
    events,
    'SELECT DISTINCT reader, topics FROM log_cursor',
  );
  const declared = groups.flatMap(({ reader, topics }) => topics.map((topic) => `${topic} → ${reader}`)).sort();
  expect(declared).toEqual(
    [
      ...topics.map((topic) => ({ topic, groups: topology[topic].consumers })),
      ...auditTopics,
      ...requestTopics(requests),
    ]
      .flatMap(({ topic, groups }) => groups.map((group) => `${topic} → ${group}`))
      .sort(),
  );
  const audits = `SELECT reader, topics FROM log_cursor WHERE reader LIKE 'audit %'`;
  expect(await sql(own, audits)).toEqual([
    { reader: 'audit order-api', topics: ['inventory.rejected', 'inventory.reserved'] },
  ]);
  expect(await sql(own, 'SELECT consumer_group FROM audits')).toEqual([{ consumer_group: 'order-api' }]);
}

beforeAll(() =>
  withClient(process.env.TEST_POSTGRES_URL!, (client) =>
    // The role of the events database is not to be chosen; several runs may make it at once.
    client.query(
      `DO $$ BEGIN CREATE ROLE events; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    ),
  ),
);

test('makes tables, topics and groups; a second time nothing changes', async () => {
  const env = { OWNER_DATABASE_URL: own.url, OWNER_EVENTS_DATABASE_URL: events.url, LOGIN_ROLE: 'postgres' };
  const replaced = jest.replaceProperty(process, 'env', { ...process.env, ...env });
  const said = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  for (const times of [1, 2]) {
    runSetup(things);
    await eventually(() => said.mock.calls.filter(([text]) => text === 'setup of inventory: done\n').length === times);
    await expectReady();
  }
  said.mockRestore();
  replaced.restore();
});

test('two at once take turns', async () => {
  const children = [setup(), setup()];
  for (const child of children) expect([await child.exitCode(), child.stderr]).toEqual([0, '']);
  await expectReady();
});

test('nothing is seeded in production, and a prefix goes before every name', async () => {
  const child = setup({ NODE_ENV: 'production', TOPIC_PREFIX: 'test.' });
  expect([await child.exitCode(), child.stderr]).toEqual([0, '']);
  expect(await sql(own, 'SELECT name FROM things')).toEqual([]);
  const groups = await sql<{ reader: string }>(events, 'SELECT DISTINCT reader FROM log_cursor');
  expect(groups.length).toBeGreaterThan(0);
  for (const { reader } of groups) expect(reader).toMatch(/^test\./);
});

test('a bad configuration ends with 2, a database that refuses with 1', async () => {
  const unset = setup({ OWNER_DATABASE_URL: '', OWNER_EVENTS_DATABASE_URL: 'mysql://me:hunter2@host/db' });
  expect(await unset.exitCode()).toBe(2);
  expect(unset.stderr).toMatch(/OWNER_DATABASE_URL: is not set[^]*OWNER_EVENTS_DATABASE_URL: /);
  expect(unset.stderr).not.toContain('hunter2');

  await sql(own, 'CREATE TABLE things ()');
  const refused = setup();
  expect(await refused.exitCode()).toBe(1);
  expect(refused.stderr).toMatch(/^setup of inventory: .*"things" already exists/);
});

test('whoever waits for the setup goes on when it has run all migrations, and makes nothing', async () => {
  const waiting = new Child('setup.cjs', ['--wait'], { DATABASE_URL: own.url });
  await waiting.says('waiting for the setup: relation "migrations" does not exist');
  expect(await sql(own, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);

  await sql(own, 'CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name text NOT NULL)');
  await waiting.says('Things1790000001000');
  expect(await setup().exitCode()).toBe(0);
  expect([await waiting.exitCode(), waiting.stderr]).toEqual([0, '']);
});

test('one that need not wait ends at once, and one without a database address with 2', async () => {
  expect(await setup().exitCode()).toBe(0);
  await sql(own, `INSERT INTO migrations (timestamp, name) VALUES (1, 'OfANewerVersion1')`);
  const waiting = new Child('setup.cjs', ['--wait'], { DATABASE_URL: own.url });
  expect([await waiting.exitCode(), waiting.stdout]).toEqual([0, 'waiting for the setup of inventory: done\n']);
  expect(await new Child('setup.cjs', ['--wait']).exitCode()).toBe(2);
});

test('waits for a database that is not there yet', async () => {
  const name = new URL(own.url).pathname.slice(1);
  await own.drop();
  const child = setup();
  await child.says('waiting for the database: ');
  await withClient(process.env.TEST_POSTGRES_URL!, (client) => client.query(`CREATE DATABASE ${name}`));
  expect([await child.exitCode(), child.stderr]).toEqual([0, '']);
  await expectReady();
});

test('a signal ends it by its own hand, as it must be for the first process of a container', async () => {
  const child = setup({ OWNER_DATABASE_URL: `${own.url}_missing` });
  await child.says('waiting for the database: ');
  child.process.kill('SIGTERM');
  expect(await child.exitCode()).toBe(143);
});
