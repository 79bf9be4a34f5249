import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type PostgresServer, startPostgres } from '@order-events/testing';
import { createTransport } from 'nodemailer';
import { migrate } from '@order-events/store/migrate';
import { migrations } from '../src/migrations';
import { json, post, type RunningSandbox, startSandbox } from './start-sandbox';

let directory: string;
let port: number;
let postgres: PostgresServer;
let sandbox: RunningSandbox;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), `order-events-test-${process.pid}-`));
  port = await freePort();
  postgres = await startPostgres({ directory, port, password: 'test' });
  await migrate({ ownerUrl: postgres.url, loginRole: 'postgres', migrations });
  sandbox = await startSandbox(postgres.url);
});
afterAll(async () => {
  await sandbox.close();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
});

const authorize = (order_id: string) =>
  post(`${sandbox.url}/gateway/authorizations`, `authorize:${order_id}`, {
    order_id,
    amount: 100,
    currency: 'EUR',
    token: 'tok_ok',
  });

/** Repeats the call while the database is not there for it. */
async function authorizeAtLast(order_id: string): Promise<void> {
  const { status } = await authorize(order_id);
  if (status === 503) return authorizeAtLast(order_id);
  expect(status).toBe(201);
}

async function send(order_id: string): Promise<void> {
  const transport = createTransport(sandbox.smtpUrl);
  const messageId = `<${order_id}.received@order-events.example>`;
  await transport.sendMail({ from: 'shop@example.com', to: 'a@example.com', messageId, subject: 'Hi', text: 'Hi' });
  transport.close();
}

test('without its database the sandbox answers 503 and 451, and goes on when it is back with all it knew', async () => {
  const before = await authorize('before');
  expect(before.status).toBe(201);

  await postgres.kill9();
  for (const response of [await authorize('during'), await fetch(`${sandbox.url}/ledger?order_id=before`)]) {
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.get('content-type')).toMatch('application/problem+json');
  }
  expect((await fetch(`${sandbox.url}/readyz`)).status).toBe(503);
  await expect(send('during')).rejects.toMatchObject({ responseCode: 451 });
  expect((await fetch(`${sandbox.url}/healthz`)).status).toBe(200);

  postgres = await startPostgres({ directory, port, password: 'test' });
  await authorizeAtLast('during');
  expect(await (await authorize('before')).text()).toBe(await before.text());
  await send('during');
  const ledger = await json(await fetch(`${sandbox.url}/ledger?order_id=before`));
  expect(ledger.authorizations).toHaveLength(1);
});

test('killed under load, it has done nothing twice once all calls were repeated', async () => {
  const orders = Array.from({ length: 300 }, (_, n) => `loaded-${n}`);
  const calls = Promise.all(orders.map(async (order) => (await authorize(order)).status));
  // The calls are under way, some of them inside their transaction, as soon as one has been answered.
  await authorize('first');
  await postgres.kill9();
  for (const status of await calls) expect([201, 503]).toContain(status);

  postgres = await startPostgres({ directory, port, password: 'test' });
  await Promise.all(orders.map(authorizeAtLast));
  const [done] = await sandbox.database.query(
    `SELECT count(*), count(DISTINCT order_id) AS orders FROM authorizations WHERE order_id LIKE 'loaded-%'`,
  );
  expect(done).toEqual({ count: 300, orders: 300 });
});
