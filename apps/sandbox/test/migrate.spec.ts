import { randomBytes } from 'node:crypto';
import { migrate } from '@order-events/store/migrate';
import { type TestDatabase, testDatabase, withClient } from '@order-events/testing';
import { migrations } from '../src/migrations';
import { post, startSandbox } from './start-sandbox';

let database: TestDatabase;
const role = `sandbox-${randomBytes(6).toString('hex')}`;
const asOwner = (...statements: string[]) =>
  withClient(database.url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });

beforeAll(async () => {
  database = await testDatabase();
  await asOwner(`CREATE ROLE "${role}" LOGIN PASSWORD 'test'`);
});
afterAll(async () => {
  await asOwner(`DROP OWNED BY "${role}"`, `DROP ROLE "${role}"`);
  await database.drop();
});

test('after two setups the login role can do all that the sandbox does, and nobody deletes from the ledger', async () => {
  const options = { ownerUrl: database.url, loginRole: role, migrations };
  await migrate(options);
  await migrate(options);

  const login = new URL(database.url);
  login.username = role;
  login.password = 'test';
  const sandbox = await startSandbox(login.href);
  const order = { order_id: 'o', amount: 1, currency: 'EUR', token: 'tok_ok' };
  const response = await post(`${sandbox.url}/gateway/authorizations`, 'k', order);
  expect(response.status).toBe(201);
  expect((await post(`${sandbox.url}/gateway/reversals`, 'v', { order_id: 'o' })).status).toBe(201);
  expect((await post(`${sandbox.url}/carrier/recalls`, 'r', { order_id: 'o' })).status).toBe(201);
  for (const table of ['calls', 'authorizations', 'shipments', 'mails']) {
    const refusal = 'nothing is deleted from the ledger';
    await expect(sandbox.database.query(`DELETE FROM ${table}`)).rejects.toThrow(refusal);
    await expect(asOwner(`DELETE FROM ${table}`)).rejects.toThrow(refusal);
  }
  await sandbox.close();
});
