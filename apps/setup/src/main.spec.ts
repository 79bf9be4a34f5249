import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { testDatabase, withClient, type TestDatabase } from '@order-events/testing';

/** What was built of it: it runs the services' own programs, which are there in no other form. */
const program = join(__dirname, '..', 'dist', 'main.js');

/** Roles belong to the whole server, so it is the one that is there anyway. */
function setup(env: NodeJS.ProcessEnv) {
  const given = { PATH: process.env.PATH, LOGIN_ROLE: 'postgres', ...env };
  return spawnSync(process.execPath, [program], { env: given, encoding: 'utf8' });
}

const databases: TestDatabase[] = [];
async function database(): Promise<string> {
  const made = await testDatabase();
  databases.push(made);
  return made.url;
}
afterEach(() => Promise.all(databases.splice(0).map((made) => made.drop())));

const hasTable = (url: string, table: string) =>
  withClient(
    url,
    async (client) => (await client.query(`SELECT to_regclass('${table}') AS name`)).rows[0].name !== null,
  );

test('sets up the services whose databases it is told, and no others', async () => {
  const [ORDER_API_OWNER_DATABASE_URL, SANDBOX_OWNER_DATABASE_URL] = [await database(), await database()];
  const OWNER_EVENTS_DATABASE_URL = await database();
  await withClient(OWNER_EVENTS_DATABASE_URL, (client) =>
    client.query(
      `DO $$ BEGIN CREATE ROLE events; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    ),
  );
  const { status, stdout, stderr } = setup({
    ORDER_API_OWNER_DATABASE_URL,
    SANDBOX_OWNER_DATABASE_URL,
    OWNER_EVENTS_DATABASE_URL,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.trim().split('\n').sort()).toEqual([
    'setup of order-api: done',
    'setup of sandbox: done',
    'setup: done',
  ]);
  expect(await hasTable(ORDER_API_OWNER_DATABASE_URL, 'orders')).toBe(true);
  expect(await hasTable(SANDBOX_OWNER_DATABASE_URL, 'orders')).toBe(false);
});

test('names each service whose setup failed', async () => {
  const url = await database();
  await withClient(url, (client) => client.query('CREATE TABLE migrations ()'));
  const { status, stderr } = setup({ SANDBOX_OWNER_DATABASE_URL: url });
  expect(status).toBe(1);
  expect(stderr).toContain('setup: failed for sandbox');
});

test('told of none, it ends with 2 and says what it would be told by', () => {
  const { status, stderr } = setup({});
  expect(status).toBe(2);
  expect(stderr).toMatch(/ORDER_API_OWNER_DATABASE_URL: [^]*SANDBOX_OWNER_DATABASE_URL: /);
});
