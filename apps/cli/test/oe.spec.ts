import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Router } from 'express';
import { pino } from 'pino';
import { encode, systemRuntime, type OutboxEntry } from '@order-events/messaging';
import { listen, Metrics, operatorApp, type Listening } from '@order-events/service-kit';
import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { freePort, testDatabase, type TestDatabase } from '@order-events/testing';

const TOKEN = 'a token that is long enough';
const STOCK = { product_id: 'apple', available: 7, reserved: 2, sold: 1 };

interface Service {
  store: PostgresStore;
  url: string;
  close(): Promise<void>;
}
let inventory: Service;
let email: Service;
let nobody: string;

const errors: Error[] = [];
const onError = (error: Error) => void errors.push(error);

/** The operator routes of a service on a database of its own. */
async function start(service: string, routes?: Router): Promise<Service> {
  const database: TestDatabase = await testDatabase();
  await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  const store = new PostgresStore({ url: database.url, connections: 2, applicationName: 'test', onError });
  const transport = { backlog: () => Promise.resolve(3) };
  const shared = { service, token: TOKEN, store, transport, metrics: new Metrics(service), checks: {}, routes };
  const server: Listening = await listen(
    operatorApp({ ...shared, log: pino({ level: 'silent' }) }),
    '127.0.0.1',
    0,
    'OPERATOR_PORT',
  );
  return {
    store,
    url: `http://127.0.0.1:${server.port}`,
    close: async () => {
      await server.close(0);
      await store.close();
      await database.drop();
    },
  };
}

beforeEach(async () => {
  const stock = Router().get('/stock', (_request, response) => void response.json({ items: [STOCK] }));
  [inventory, email] = await Promise.all([start('inventory', stock), start('email')]);
  nobody = `http://127.0.0.1:${await freePort()}`;
});
afterEach(async () => {
  await Promise.all([inventory.close(), email.close()]);
  expect(errors).toEqual([]);
});

/** Runs the command as a process of its own. */
async function oe(line: string, env: NodeJS.ProcessEnv = {}) {
  const args = ['-C', '@order-events/source', '-r', require.resolve('@order-events/testing/typescript.cjs')];
  const words = line.match(/"[^"]*"|\S+/g) ?? [];
  const child = spawn(
    process.execPath,
    [...args, join(__dirname, '..', 'src', 'main.ts'), ...words.map((word) => word.replaceAll('"', ''))],
    {
      env: {
        PATH: process.env.PATH,
        OE_SERVICES: `inventory=${inventory.url},email=${email.url}`,
        OPERATOR_TOKEN: TOKEN,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, code, data: () => JSON.parse(stdout).data };
}

const told = (order: string): OutboxEntry =>
  encode(
    { type: 'inventory.reserved', subject: order, sequence: 1, data: { order_id: order } },
    systemRuntime.eventId(),
    { source: '/inventory' },
  );

/** Files the event as a dead letter of the group. */
async function die({ store }: Service, group: string, event: OutboxEntry, error: string): Promise<void> {
  const { id, topic, key } = event;
  const failure = { message: event, error, attempts: 10 };
  await store.transact((tx) => tx.take(group, [{ id, topic, key, state: 'dead', failure }]));
}

test('dead letters are listed over all services, shown, and filtered', async () => {
  const [one, two, refused] = [told('o1'), told('o2'), told('o3')];
  await die(inventory, 'inventory', one, 'Error: too little\u001b[31m\nof it');
  await die(email, 'email', two, 'Error: no such mailbox');
  await die(email, 'relay', refused, 'too large');
  const all = await oe('dlq ls');
  expect([all.code, all.stderr]).toEqual([0, '']);
  expect(all.stdout.split('\n')).toHaveLength(5);
  expect(all.stdout).toMatch(
    new RegExp(`^inventory +inventory +${one.id} +inventory.reserved +o1 .* 10 +Error: too`, 'm'),
  );
  expect(all.stdout).not.toContain('\u001b');

  const mails = await oe('dlq ls --error MAILBOX --json');
  expect(mails.data()).toMatchObject({ items: [{ service: 'email', key: 'o2', attempts: 10 }], more: false });
  expect((await oe('dlq ls --limit 2 --json')).data()).toMatchObject({
    items: [{ key: 'o3' }, { key: 'o2' }],
    more: true,
  });
  expect((await oe('dlq ls --older-than 1h')).stdout).toBe('no dead letters\n');

  const shown = await oe(`dlq show relay ${refused.id}`);
  expect(shown.code).toBe(0);
  for (const part of ['too large', 'ce-id', '{"order_id":"o3"}']) expect(shown.stdout).toContain(part);
  expect((await oe(`dlq show email ${two.id} --json`)).data()).toMatchObject({ state: 'dead', service: 'email' });
  const missing = await oe(`dlq show email ${one.id}`);
  expect([missing.code, missing.stdout]).toEqual([1, 'No failed event is kept under this group and id.\n']);
});

test('dead letters are counted, redriven no more than asked for, and discarded, with who did it and why', async () => {
  for (const order of ['o1', 'o2']) await die(inventory, 'inventory', told(order), 'Error: too little');
  for (const order of ['o3', 'o4']) await die(email, 'email', told(order), 'Error: too little');
  expect((await oe('dlq redrive --dry-run --json')).data()).toMatchObject({ count: 4, dry_run: true });
  expect((await oe('dlq redrive')).code).toBe(2);
  const done = await oe('dlq redrive --error little --limit 3 --per-second 50 --reason "it is mended" --json');
  expect([done.code, done.data()]).toMatchObject([0, { count: 3, services: { inventory: 2, email: 1 } }]);
  expect(await inventory.store.operatorActions.list({}, 10)).toMatchObject(
    ['redrive', 'redrive'].map((action) => ({ action, actor: userInfo().username, reason: 'it is mended' })),
  );
  const given = await oe('dlq discard --group email --reason "not ours" --actor ann');
  expect([given.code, given.stdout]).toEqual([0, expect.stringMatching(/^email +1$/m)]);
  expect(await email.store.operatorActions.list({ actor: 'ann' }, 10)).toMatchObject([{ action: 'discard' }]);
  const none = await oe('dlq discard --reason "not ours"');
  expect([none.code, none.stdout]).toEqual([1, 'No dead letter is meant by this.\n']);
});

test('the way of an order is shown over all services that answer, and who does not is named', async () => {
  const event = told('o1');
  await inventory.store.transact((tx) => tx.append([event]));
  await email.store.transact(async (tx) => {
    await tx.take('email', [{ id: event.id, topic: event.topic, key: 'o1', state: 'applied' }]);
    await tx.intend([{ kind: 'mail.send', key: 'o1', idempotencyKey: 'o1.received', input: {} }]);
  });
  const order = { order_id: 'o1', status: 'pending', total: 200, currency: 'EUR', history: [] };
  const orders = Router().get('/orders/o1', (_request, response) => void response.json(order));
  const orderApi = await start('order-api', orders);
  const all = `order-api=${orderApi.url},inventory=${inventory.url},email=${email.url}`;
  const whole = await oe('orders show o1', { OE_SERVICES: all });
  expect([whole.code, whole.stderr]).toEqual([0, '']);
  expect(whole.stdout).toContain('order o1: pending, 200 EUR');
  const steps = [
    'inventory  tells +inventory.reserved',
    'email +applied +inventory.reserved',
    'email +call open +mail.send',
  ];
  for (const step of steps) expect(whole.stdout).toMatch(new RegExp(step));
  expect(whole.stdout).toMatch(/^o1\.received +open +0/m);
  const { data } = await oe('orders show o1 --json', { OE_SERVICES: all });
  expect(data()).toMatchObject({
    order,
    services: { inventory: { outbox: [{ id: event.id }] }, email: { inbox: [{ state: 'applied' }] } },
  });
  const missing = await oe('orders show o2', { OE_SERVICES: all });
  expect([missing.code, missing.stdout]).toEqual([1, 'There is no order o2.\n']);
  await orderApi.close();

  const part = await oe('orders show o1', { OE_SERVICES: `order-api=${nobody},inventory=${inventory.url}` });
  expect(part.code).toBe(3);
  expect(part.stderr).toMatch(new RegExp(`^order-api did not answer at ${nobody}: .*ECONNREFUSED`, 'm'));
  expect(part.stdout).toContain('inventory.reserved');
});

test('lag, outbox and stock are shown; a group is paused and resumed', async () => {
  await inventory.store.transact((tx) => tx.append([told('o1'), told('o2')]));
  const stock = await oe('stock');
  expect([stock.code, stock.stdout]).toEqual([0, expect.stringMatching(/^apple +7 +2 +1$/m)]);
  const outbox = await oe('outbox --key o2 --json');
  expect(outbox.data()).toMatchObject({ inventory: { items: [{ key: 'o2' }] }, email: { oldest_ms: 0, items: [] } });
  expect((await oe('outbox')).stdout).toMatch(/^inventory +\d+(\.\d)? (ms|s|min)$/m);

  const paused = await oe('pause inventory --reason "the handler is wrong"');
  expect([paused.code, paused.stdout]).toEqual([0, 'inventory is paused\n']);
  const lag = await oe('lag');
  expect(lag.stdout).toMatch(/^inventory +3 +0 +0 +0 +\S+ \S+ +since .*: the handler is wrong$/m);
  expect(lag.stdout).toMatch(/^email +3 +0 +0 +0 +0 ms +-$/m);
  expect((await oe('resume inventory --reason mended')).stdout).toBe('inventory is not paused\n');
  expect((await oe('lag --json')).data()).toMatchObject({
    inventory: { paused: null, backlog: 3, outbox_oldest_ms: expect.any(Number) },
  });
});

test.each([
  ['', 'Usage'],
  ['dlq', 'no such command'],
  ['dlq ls --colour', '--colour'],
  ['dlq ls too much', 'takes nothing'],
  ['dlq show email', 'GROUP ID'],
  ['dlq ls --older-than soon', '--older-than'],
  ['dlq ls --limit 0', '--limit'],
  ['dlq ls --id x', 'id'],
  ['dlq redrive --per-second fast --dry-run', '--per-second'],
  ['pause kitchen --reason x', 'no service kitchen'],
  ['pause email', '--reason'],
])('oe %s is not understood', async (line, why) => {
  const { code, stdout, stderr } = await oe(line);
  expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(why)]);
});

test('help tells every command, or those that are meant', async () => {
  const all = await oe('--help');
  expect(all.code).toBe(0);
  for (const name of [
    'orders show ID',
    'dlq ls',
    'dlq show',
    'dlq redrive',
    'dlq discard',
    'outbox',
    'lag',
    'stock',
    'pause',
  ])
    expect(all.stdout).toContain(`\n  ${name}`);
  const some = await oe('dlq --help');
  expect(some.stdout).toContain('--per-second');
  expect(some.stdout).not.toContain('orders show');
});

test('the token is that of the running system; a wrong one and a wrong setting are told of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oe-'));
  const env = { OPERATOR_TOKEN: '', DATA_DIR: folder };
  const unknown = await oe('lag', env);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('OPERATOR_TOKEN')]);
  writeFileSync(join(folder, 'system.json'), JSON.stringify({ operator_token: TOKEN }));
  expect((await oe('lag', env)).code).toBe(0);
  rmSync(folder, { recursive: true });
  const wrong = await oe('lag', { OPERATOR_TOKEN: 'wrong' });
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/refuses \(401\)/)]);
  const setting = await oe('lag', { OE_SERVICES: 'inventory' });
  expect([setting.code, setting.stderr]).toEqual([2, expect.stringContaining('OE_SERVICES')]);
  const offset = await oe('lag', { OE_SERVICES: '', PORT_OFFSET: 'x' });
  expect([offset.code, offset.stderr]).toEqual([2, expect.stringContaining('PORT_OFFSET')]);
});
