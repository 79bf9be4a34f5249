import { randomBytes } from 'node:crypto';
import { type TestDatabase, testDatabase } from '@order-events/testing';
import { Client } from 'pg';
import { migrate } from '../src/migrate';
import { json, post, startSandbox } from './start-sandbox';

let database: TestDatabase;
let owner: Client;
const role = `sandbox-${randomBytes(6).toString('hex')}`;

beforeAll(async () => {
  database = await testDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  await owner.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'test'`);
});
afterAll(async () => {
  await owner.query(`DROP OWNED BY "${role}"`);
  await owner.query(`DROP ROLE "${role}"`);
  await owner.end();
  await database.drop();
});

test('after two runs of the setup the login role can do all that the sandbox does, and no more', async () => {
  await migrate(database.url, role);
  await migrate(database.url, role);

  const login = new URL(database.url);
  login.username = role;
  login.password = 'test';
  const sandbox = await startSandbox(login.href);
  const order = { order_id: 'o', amount: 1, currency: 'EUR', token: 'tok_ok' };
  const response = await post(`${sandbox.url}/gateway/authorizations`, 'k', order);
  expect(response.status).toBe(201);
  const { authorization_id } = await json(response);
  expect((await post(`${sandbox.url}/gateway/authorizations/${authorization_id}/void`, 'v')).status).toBe(200);
  for (const forbidden of ['DELETE FROM calls', 'DROP TABLE mails', 'CREATE TABLE t ()', 'TABLE migrations']) {
    await expect(sandbox.database.query(forbidden)).rejects.toThrow(/permission denied|must be owner/);
  }
  await sandbox.close();
});
