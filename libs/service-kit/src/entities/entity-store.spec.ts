import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  eventually,
  freePort,
  startPostgres,
  testDatabase,
  withClient,
  type TestDatabase,
} from '@order-events/testing';
import { EntitySchema } from 'typeorm';
import type { StoreError } from '@order-events/messaging';
import { bigint } from './columns';
import { EntityStore } from './entity-store';

interface Thing {
  name: string;
  price: number | null;
}
const ThingEntity = new EntitySchema<Thing>({
  name: 'Thing',
  tableName: 'things',
  columns: { name: { type: 'text', primary: true }, price: { ...bigint, nullable: true } },
});
const TABLE = 'CREATE TABLE things (name text PRIMARY KEY, price bigint CHECK (price >= 0))';
const entities = [ThingEntity];

let database: TestDatabase;
let store: EntityStore;
const errors: Error[] = [];
const onError = (error: Error) => void errors.push(error);

beforeEach(async () => {
  database = await testDatabase();
  await sql(TABLE);
  store = new EntityStore({ url: database.url, applicationName: 'things', onError, entities });
});
afterEach(async () => {
  await store.close();
  await database.drop();
  errors.length = 0;
});

const sql = (text: string) => withClient(database.url, async (client) => (await client.query(text)).rows as object[]);
const all = (from = store) => from.query((manager) => manager.find(ThingEntity, { order: { name: 'ASC' } }));
const insert = (thing: Thing) => store.query((manager) => manager.insert(ThingEntity, thing));

test('entities go in and come out as they are', async () => {
  const things = [
    { name: 'apple', price: Number.MAX_SAFE_INTEGER },
    { name: 'pear', price: null },
  ];
  for (const thing of things) await insert(thing);
  expect(await all()).toEqual(things);
});

test('a number that JavaScript cannot hold is an error, not another number', async () => {
  await sql(`INSERT INTO things VALUES ('star', 9007199254740993)`);
  await expect(all()).rejects.toMatchObject({ kind: 'rejected', message: expect.stringContaining('9007199254740993') });
});

test('what the database refuses is told apart from what the query asks wrongly', async () => {
  await expect(insert({ name: 'apple', price: -1 })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
  const wrong = store.query((manager) => manager.find(ThingEntity, { where: { colour: 'red' } as never }));
  await expect(wrong).rejects.toMatchObject({ name: 'EntityPropertyNotFoundError' });
});

test('has few connections, none before the first query and none after the end', async () => {
  const mine = `SELECT FROM pg_stat_activity WHERE application_name = 'things' AND datname = current_database()`;
  const closed = new EntityStore({ url: database.url, applicationName: 'things', onError, entities });
  await closed.close();
  expect(await sql(mine)).toHaveLength(0);
  await Promise.all(Array.from({ length: 50 }, () => all()));
  expect((await sql(mine)).length).toBeLessThanOrEqual(4);
  await store.close();
  await eventually(async () => (await sql(mine)).length === 0);
});

test('a broken connection is told of, and made again', async () => {
  await all();
  await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'things'`);
  await eventually(() => errors.length > 0);
  expect(await all()).toEqual([]);
});

test('without its database it is unavailable, from the start or in between, and goes on when it is there', async () => {
  const directory = mkdtempSync(join(tmpdir(), `order-events-test-${process.pid}-`));
  const options = { directory, port: await freePort(), password: 'test' };
  let postgres = await startPostgres(options);
  await withClient(postgres.url, (client) => client.query(TABLE));
  await postgres.kill9();
  const patient = new EntityStore({ url: postgres.url, applicationName: 'things', onError, entities });
  // A session outlives its killed server for a moment, and a client learns of its end a moment later.
  const finds = async (expected: string) =>
    (await all(patient).then(String, ({ name, kind }: StoreError) => `${name} ${kind}`)) === expected;
  await eventually(() => finds('StoreError unavailable'));

  for (const _ of ['from the start', 'in between']) {
    postgres = await startPostgres(options);
    await eventually(() => finds(''));
    await postgres.kill9();
    await eventually(() => finds('StoreError unavailable'));
  }
  await patient.close();
  rmSync(directory, { recursive: true, force: true });
});
