import { type TestDatabase, testDatabase, withClient } from '@order-events/testing';
import { migrate } from '../migrate';
import { SharedTables1790000000000 } from '../migrations/1790000000000-shared-tables';
import { PostgresStore } from './store';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let errors: Error[];
const opened: PostgresStore[] = [];
beforeEach(async () => {
  errors = [];
  database = await testDatabase();
  await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations: [SharedTables1790000000000] });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await database.drop();
});

function open(applicationName: string): PostgresStore {
  const onError = (error: Error) => void errors.push(error);
  const store = new PostgresStore({ url: database.url, connections: 2, applicationName, onError });
  opened.push(store);
  return store;
}

const intend = (store: PostgresStore) =>
  store.transact((tx) => tx.intend([{ kind: 'test.call', key: 'a', idempotencyKey: 'a.one', input: {} }]));
const claim = (store: PostgresStore, leaseMs = HOUR_MS) => store.claimEffects(['test.call'], 10, leaseMs);

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
  await dying.close();
  opened.pop();
  let found = await claim(other);
  while (found.length === 0) found = await claim(other);
  expect(found).toMatchObject([{ idempotencyKey: 'a.one', attempts: 1 }]);
  expect(errors).toEqual([]);
});

test('a runner that has only lost its connection keeps what it has in hand, even if its lease has ended meanwhile', async () => {
  const [other, cut] = [open('other'), open('cut')];
  await intend(cut);
  expect(await claim(cut, 1)).toHaveLength(1);
  const before = await runner();
  await withClient(database.url, (client) =>
    client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'`),
  );
  while ((await runner()) === before) expect(await claim(other)).toEqual([]);
  expect(errors).not.toEqual([]);
  await cut.deferEffect('1', 'Error: no answer', 0);
  expect(await claim(other)).toMatchObject([{ idempotencyKey: 'a.one', attempts: 1 }]);
});
