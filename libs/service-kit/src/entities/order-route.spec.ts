import express from 'express';
import { pino } from 'pino';
import { EntitySchema } from 'typeorm';
import { testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { listen, type Listening } from '../http/listen';
import { notFound, problemHandler } from '../http/problem';
import { EntityStore } from './entity-store';
import { orderRoute } from './order-route';

const DealEntity = new EntitySchema<{ order_id: string; version: number; state: string }>({
  name: 'Deal',
  tableName: 'deals',
  columns: { order_id: { type: 'text', primary: true }, version: { type: 'integer' }, state: { type: 'text' } },
});

let database: TestDatabase;
let store: EntityStore;
let server: Listening;
const errors: Error[] = [];

beforeAll(async () => {
  database = await testDatabase();
  const rows = `('o1', 3, 'done'), ('locked', 0, 'none')`;
  const made = `CREATE TABLE deals (order_id text PRIMARY KEY, version integer, state text); INSERT INTO deals VALUES ${rows}`;
  await withClient(database.url, (client) => client.query(made));
  const onError = (error: Error) => void errors.push(error);
  store = new EntityStore({ url: database.url, applicationName: 'test', onError, entities: [DealEntity] });
  const app = express().use(orderRoute(store, DealEntity), notFound, problemHandler(pino({ level: 'silent' })));
  server = await listen(app, '127.0.0.1', 0, 'OPERATOR_PORT');
});
afterAll(async () => {
  await server.close(0);
  await store.close();
  await database.drop();
  expect(errors).toEqual([]);
});

const ask = async (path: string, method = 'GET') => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return { status: response.status, allow: response.headers.get('allow'), body: await response.json() };
};

test('the row of an order is shown as it is', async () => {
  expect(await ask('/orders/o1')).toMatchObject({ status: 200, body: { order_id: 'o1', version: 3, state: 'done' } });
});

test.each(['o2', 'locked', 'a%20b', '%00'])('of %s nothing is known', async (id) => {
  expect(await ask(`/orders/${id}`)).toMatchObject({ status: 404, body: { title: expect.any(String) } });
});

test('nothing can be done to it', async () => {
  expect(await ask('/orders/o1', 'PUT')).toMatchObject({ status: 405, allow: 'GET, HEAD' });
});
