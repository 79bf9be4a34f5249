import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startPostgres, type PostgresServer } from '@order-events/testing';
import { json, order, OrderApi, prepare, problem } from './start-order-api';

let directory: string;
let port: number;
let postgres: PostgresServer;
let api: OrderApi;

const password = 'test';
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), `order-events-test-${process.pid}-`));
  port = await freePort();
  postgres = await startPostgres({ directory, port, password });
  await prepare(postgres.url);
  api = await OrderApi.start(postgres.url);
});
afterAll(async () => {
  await api.close();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
});

const withKey = (key: string) => api.post(order, { 'idempotency-key': key });

/** Repeats the request while the database is not there for it, and returns the order's id. */
async function placeAtLast(key: string): Promise<string> {
  const response = await withKey(key);
  if (response.status === 503) return placeAtLast(key);
  expect(response.status).toBe(201);
  return (await json(response)).order_id;
}

test('without its database the door answers 503, lives, and goes on when it is back with all that was promised', async () => {
  const promised = await api.placed();
  const before = await json(await withKey('before'));
  await postgres.kill9();
  for (const response of [
    await withKey('during'),
    await api.post(order),
    await api.cancel(promised),
    await api.fetch(`/orders/${promised}`),
    await api.fetch('/orders'),
    await api.fetch('/products/prod1'),
  ]) {
    expect(response.headers.get('retry-after')).toBe('1');
    await problem(response, 503);
  }
  expect((await api.fetch('/healthz')).status).toBe(200);
  expect((await api.fetch('/readyz')).status).toBe(503);

  postgres = await startPostgres({ directory, port, password });
  const id = await placeAtLast('during');
  expect(await placeAtLast('during')).toBe(id);
  expect(await json(await withKey('before'))).toEqual(before);
  expect((await api.order(promised)).status).toBe('pending');
  expect((await api.fetch('/readyz')).status).toBe(200);
});

test('when the database is killed under load, no order is lost and none is placed twice', async () => {
  const keys = Array.from({ length: 1_000 }, (_, number) => `loaded-${number}`);
  const promised = new Map<string, string>();
  let firstIsThere!: () => void;
  const first = new Promise<void>((resolve) => (firstIsThere = resolve));
  const requests = Promise.all(
    keys.map(async (key) => {
      const response = await withKey(key);
      expect([201, 503]).toContain(response.status);
      if (response.status === 201) promised.set(key, (await json(response)).order_id);
      firstIsThere();
    }),
  );
  await first;
  await postgres.kill9();
  await requests;

  postgres = await startPostgres({ directory, port, password });
  const ids = await Promise.all(keys.map(placeAtLast));
  for (const [index, key] of keys.entries()) expect(promised.get(key) ?? ids[index]).toBe(ids[index]);
  const [placed] = await api.sql(
    `SELECT count(*), count(DISTINCT k.order_id) AS orders, count(o.order_id) AS rows, count(h.order_id) AS lines,
       count(b.key) AS events
     FROM idempotency_keys k LEFT JOIN orders o USING (order_id) LEFT JOIN order_history h USING (order_id)
     LEFT JOIN outbox b ON b.key = k.order_id
     WHERE k.key LIKE 'loaded-%'`,
  );
  expect(placed).toEqual({ count: 1_000, orders: 1_000, rows: 1_000, lines: 1_000, events: 1_000 });
});
