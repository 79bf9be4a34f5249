import express from 'express';
import { pino } from 'pino';
import { listen, notFound, problemHandler, type Listening } from '@order-events/service-kit';
import { EntityStore } from '@order-events/service-kit/entities';
import { sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { entities } from '../store/entities';
import { migrations } from '../store/migrations';
import { stockRoutes } from './stock.routes';

const errors: Error[] = [];
let store: EntityStore;
let database: TestDatabase;
let server: Listening;

beforeAll(async () => {
  database = await testDatabase();
  const { url } = database;
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [...sharedMigrations, ...migrations] });
  const onError = (error: Error) => void errors.push(error);
  store = new EntityStore({ url, applicationName: 'test', onError, entities });
  const app = express().use(express.json(), stockRoutes(store), notFound, problemHandler(pino({ level: 'silent' })));
  server = await listen(app, '127.0.0.1', 0, 'OPERATOR_PORT');
});
beforeEach(() => sql('TRUNCATE stock, operator_actions'));
afterAll(async () => {
  await server.close(0);
  await store.close();
  await database.drop();
  expect(errors).toEqual([]);
});

const sql = (text: string) => withClient(database.url, async (client) => (await client.query(text)).rows as object[]);
const call = async (path: string, init?: RequestInit) => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { status: response.status, allow: response.headers.get('allow'), body: await response.json() };
};
const by = { actor: 'ann', reason: 'a lorry came' };
const deliver = (id: string, body: object) =>
  call(`/stock/${id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...by, ...body }),
  });

test('goods that come in are added to what is there, and shown', async () => {
  await sql(`INSERT INTO stock (product_id, available, reserved, sold) VALUES ('pear', 3000000000, 2, 3)`);
  const pear = { product_id: 'pear', available: 3_000_000_005, reserved: 2, sold: 3 };
  const apple = { product_id: 'apple', available: 7, reserved: 0, sold: 0 };
  expect(await deliver('pear', { add: 5 })).toMatchObject({ status: 200, body: pear });
  expect(await deliver('apple', { add: 7 })).toMatchObject({ status: 200, body: apple });
  expect((await call('/stock')).body).toEqual({ items: [apple, pear] });
  expect(await sql('SELECT version::int FROM stock')).toEqual([{ version: 1 }, { version: 1 }]);
  expect(await sql('SELECT actor, reason, action, consumer_group, details FROM operator_actions ORDER BY seq')).toEqual(
    [
      { ...by, action: 'stock', consumer_group: 'inventory', details: { product_id: 'pear', add: 5 } },
      { ...by, action: 'stock', consumer_group: 'inventory', details: { product_id: 'apple', add: 7 } },
    ],
  );
});

test('deliveries of one product at the same time are all added', async () => {
  await Promise.all(Array.from({ length: 20 }, () => deliver('apple', { add: 2 })));
  expect((await call('/stock')).body).toEqual({
    items: [{ product_id: 'apple', available: 40, reserved: 0, sold: 0 }],
  });
});

test.each([
  {},
  { add: 0 },
  { add: -1 },
  { add: 1.5 },
  { add: 1_000_000_001 },
  { add: 1, sold: 1 },
  { add: 1, actor: '' },
])('%j is no delivery', async (body) => {
  expect(await deliver('apple', body)).toMatchObject({ status: 400 });
  expect((await call('/stock')).body).toEqual({ items: [] });
  expect(await sql('SELECT FROM operator_actions')).toEqual([]);
});

test('no product can have an id that is none', async () => {
  expect((await deliver('a%20b', { add: 1 })).status).toBe(404);
});

test.each([
  ['POST', '/stock', 'GET, HEAD'],
  ['GET', '/stock/apple', 'POST'],
])('%s %s is not possible', async (method, path, allow) => {
  expect(await call(path, { method })).toMatchObject({ status: 405, allow });
});
