import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { asPublished, encode, systemRuntime } from '@order-events/messaging';
import { loadConfig, openTransport, TRANSPORT_SETTINGS } from '@order-events/service-kit';
import { eventually, orderBody, withClient } from '@order-events/testing';
import { programs } from '../src/start/services';
import { call, Customer, items, killed, type OrderView } from './customer';
import { type TestSystem, testSystem } from './test-system';

const program = resolve(__dirname, '../../apps/cli/dist/main.js');

let real: TestSystem;
let customer: Customer;
beforeAll(async () => {
  real = await testSystem({ programs });
  customer = new Customer(real.system);
  await real.system.start();
});
afterAll(() => real.remove());

/** The built command, which finds the running system by its data alone. */
async function oe(line: string) {
  const words = line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ''));
  const env = { PATH: process.env.PATH, DATA_DIR: real.dataDirectory };
  const child = spawn(process.execPath, [program, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, stdout, stderr };
}
type Said = Awaited<ReturnType<typeof oe>>;
/** Exit code when a service did not answer in time. */
const SILENT = 3;
/** What it says of a command that only looks: it is given again while a service is too slow to answer. */
async function looked(line: string): Promise<Said> {
  for (;;) {
    const said = await oe(line);
    if (said.code !== SILENT) return said;
  }
}
function textOf(said: Said, code: number): string {
  expect(said).toEqual({ code, stdout: expect.any(String), stderr: '' });
  return said.stdout;
}
function dataOf<R>(said: Said, code: number): R {
  const { data, silent } = JSON.parse(textOf(said, code)) as { data: R; silent: unknown[] };
  expect(silent).toEqual([]);
  return data;
}
/** What a command that only looks prints for people. */
const shown = async (line: string, code = 0) => textOf(await looked(line), code);
/** What it prints for programs. */
const data = async <R>(line: string, code = 0) => dataOf<R>(await looked(`${line} --json`), code);
/** What a command that changes something prints for people. */
const done = async (line: string, code = 0) => textOf(await oe(line), code);
/** What it prints for programs. */
const doneData = async <R>(line: string, code = 0) => dataOf<R>(await oe(`${line} --json`), code);

interface Way {
  order: OrderView;
  services: Record<
    string,
    {
      inbox: { topic: string }[];
      outbox: { topic: string }[];
      effects: { kind: string; state: string }[];
      holds: { state?: string } | null;
    }
  >;
}
type Lags = Record<
  string,
  { paused: { actor: string; reason: string } | null; backlog: number; dead: number; outbox_oldest_ms: number }
>;
interface Letters {
  items: { service: string; id: string; topic: string; key: string; error: string }[];
}
const letters = async (filter: string) => (await data<Letters>(`dlq ls ${filter}`)).items;
/** Of a service's operator routes. */
function urlOf(service: string): string {
  const { ports } = real.system.instances.find(({ name }) => name === service)!;
  return `http://${real.system.host}:${ports.OPERATOR_PORT}`;
}
const placed = () => customer.place({ items: items('prod1', 2), email: 'a@example.com' });
const inMail = ({ services }: Way) => services['email']!.effects.map(({ kind, state }) => `${kind} ${state}`);

test('orders show, stock, outbox and lag tell of an order what the services did', async () => {
  // No other order here is of this product, so that its stock is known.
  const id = await customer.place({ items: items('prod5', 2), email: 'a@example.com' });
  await customer.ended(id);
  await eventually(async () => {
    const way = await data<Way>(`orders show ${id}`);
    const isMailed = inMail(way).join() === Array(3).fill('mail.send closed').join();
    return isMailed && way.services['inventory']!.holds?.state === 'sold';
  });
  const { order, services } = await data<Way>(`orders show ${id}`);
  expect(order).toMatchObject({ order_id: id, status: 'completed' });
  for (const way of Object.values(services)) expect(way.holds).not.toBeNull();
  expect(services['order-api']!.outbox.map(({ topic }) => topic).sort()).toEqual(
    ['completed', 'confirmed', 'created', 'paid'].map((step) => `order.${step}`),
  );
  const way = await shown(`orders show ${id}`);
  for (const line of [
    `^order ${id}: completed, 2000 EUR`,
    'inventory +applied +order.created',
    'payment +called +gateway.capture +0',
    'logistics +tells +shipment.dispatched',
    'inventory +state +sold',
    `${id}.completed +handed over`,
  ])
    expect(way).toMatch(new RegExp(line, 'm'));
  expect(await shown('orders show nothing', 1)).toBe('There is no order nothing.\n');

  expect(await shown('stock')).toMatch(/^prod5 +999999998 +0 +2$/m);
  const stock = await data<{ product_id: string }[]>('stock');
  expect(stock).toContainEqual({ product_id: 'prod5', available: 999_999_998, reserved: 0, sold: 2 });

  const outbox = await data<Record<string, { oldest_ms: number; items: { topic: string }[] }>>(`outbox --key ${id}`);
  expect(outbox['payment']!.items.map(({ topic }) => topic)).toEqual(['payment.captured', 'payment.authorized']);
  expect(await shown('outbox')).toMatch(/^logistics +\d+ +shipment\.dispatched +\S+ +20\S+Z$/m);

  await eventually(async () =>
    Object.values(await data<Lags>('lag')).every(({ backlog, outbox_oldest_ms }) => backlog + outbox_oldest_ms === 0),
  );
  const lags = await data<Lags>('lag');
  expect(Object.keys(lags).sort()).toEqual(['email', 'inventory', 'logistics', 'order-api', 'payment']);
  for (const lag of Object.values(lags)) expect(lag).toMatchObject({ paused: null, dead: 0 });
  expect((await shown('lag')).split('\n')).toHaveLength(7);
  expect(await shown('overdue')).toBe('no order is overdue\n');
  expect(await data('audit --group email')).toMatchObject([{ publisher: 'order-api', group: 'email', missing: 0 }]);
});

test('a paused group takes nothing, also after kill -9, until it is resumed; a service that hangs is told of', async () => {
  let id: string;
  let resumed: object;
  try {
    expect(await done('pause email --reason "wrong template" --actor ann')).toBe('email is paused\n');
    await killed(real.system, 'email');
    id = await placed();
    await customer.ended(id);
    const lags = await data<Lags>('lag');
    expect(lags['email']).toMatchObject({ paused: { actor: 'ann', reason: 'wrong template' } });
    expect(lags['email']!.backlog).toBeGreaterThan(0);
    expect(await shown('lag')).toMatch(/^email .* since \S+ by ann: wrong template$/m);
    expect(inMail(await data<Way>(`orders show ${id}`))).toEqual([]);
  } finally {
    resumed = await doneData('resume email --reason mended');
  }
  expect(resumed).toMatchObject({ group: 'email', paused: null });
  await eventually(async () => inMail(await data<Way>(`orders show ${id}`)).length === 3);
  expect((await oe('pause email')).code).toBe(2);

  real.system.kill('email', 'SIGSTOP');
  const { code, stdout, stderr } = await oe('lag').finally(() => real.system.kill('email', 'SIGCONT'));
  expect([code, stderr]).toEqual([SILENT, expect.stringMatching(/^email did not answer at /m)]);
  // Each has its line, or is told of.
  expect(stdout + stderr).toMatch(/^payment /m);
});

/** Has the broker bring an event that no service of ours told. */
async function publishPaid(order: string): Promise<void> {
  const { transport } = openTransport(loadConfig(TRANSPORT_SETTINGS, {}, real.system.transportEnv), {
    applicationName: 'test',
    onError: () => {},
    onCoded: () => {},
  });
  const body = orderBody(order, {
    product_ids: ['prod-scarce'],
    items: [{ product_id: 'prod-scarce', quantity: 5, unit_price: 1000 }],
    total: 5000,
  });
  const event = { type: 'order.paid', subject: order, sequence: 3, data: body } as const;
  const entry = encode(event, systemRuntime.eventId(), { source: '/order-api' });
  expect(await transport.publish([asPublished({ ...entry, position: 1, time: new Date() })])).toEqual([
    { stored: true },
  ]);
  await transport.close();
}

test('a dead letter is listed, shown, counted, redriven once its cause is mended, or discarded', async () => {
  await publishPaid('stray');
  await eventually(async () => (await letters('--key stray')).length === 2);
  const [short] = await letters('--group inventory --type order.paid');
  expect(short).toMatchObject({
    service: 'inventory',
    key: 'stray',
    error: expect.stringContaining('too little of prod-scarce'),
  });
  expect(await shown('dlq ls')).toMatch(
    new RegExp(`^inventory +inventory +${short!.id} +order.paid +stray .* too little of prod-scarce$`, 'm'),
  );
  const letter = await shown(`dlq show inventory ${short!.id}`);
  for (const part of ['ce-subject', 'too little of prod-scarce', '"product_ids":["prod-scarce"]'])
    expect(letter).toContain(part);

  expect(await data('dlq redrive --type order.paid --dry-run')).toMatchObject({
    dry_run: true,
    count: 1,
    services: { inventory: 1 },
  });
  expect((await oe('dlq redrive --type order.paid')).code).toBe(2);
  expect(await letters('--type order.paid')).toHaveLength(1);
  const delivery = { actor: 'ann', reason: 'a lorry came', add: 5 };
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${real.system.operatorToken}` };
  expect(
    (
      await fetch(`${urlOf('inventory')}/stock/prod-scarce`, {
        method: 'POST',
        headers,
        body: JSON.stringify(delivery),
      })
    ).status,
  ).toBe(200);
  expect(
    await doneData(`dlq redrive --id ${short!.id} --per-second 10 --reason "there is more" --actor ann`),
  ).toMatchObject({ dry_run: false, count: 1 });
  await eventually(async () => (await letters('--group inventory')).length === 0);
  await eventually(async () => /^prod-scarce +1 +0 +5$/m.test(await shown('stock')));

  const [unknown] = await letters('--key stray');
  expect(unknown).toMatchObject({ service: 'order-api', topic: 'shipment.dispatched' });
  expect((await oe('dlq discard --reason "not ours"')).code).toBe(2);
  expect(await done('dlq discard --key stray --reason "not ours" --actor ann')).toMatch(/^order-api +1$/m);
  expect(await data(`dlq show order-api ${unknown!.id}`)).toMatchObject({
    state: 'discarded',
    actions: [{ actor: 'ann', action: 'discard', reason: 'not ours' }],
  });
  expect(await doneData('dlq discard --key stray --reason "not ours"', 1)).toMatchObject({ count: 0 });
  expect(await shown('dlq ls')).toBe('no dead letters\n');
});

test('a paid order is refunded unless its goods are sent, and a completed one is not', async () => {
  let id: string;
  try {
    await doneData('pause logistics --reason "the lorry is late"');
    // Each process looks for itself.
    await eventually(async () =>
      /^order_events_paused\{.*\} 1$/m.test(await (await fetch(`${urlOf('logistics')}/metrics`)).text()),
    );
    id = await customer.place({
      items: items('prod1', 2),
      shipping_address: { street: '1 Main St', city: 'Undeliverable' },
    });
    await eventually(async () => (await data<Way>(`orders show ${id}`)).order.status === 'paid');
    expect(await done(`orders refund ${id} --reason "no such address"`)).toContain(`order ${id} is recalled`);
  } finally {
    await doneData('resume logistics --reason "it is here"');
  }
  expect(await customer.ended(id)).toMatchObject({ status: 'cancelled' });
  await eventually(async () => (await oe(`orders refund ${id} --reason again`)).stdout.endsWith('payment refunded\n'));
  const { body } = await call<{ authorizations: object[] }>('GET', `${real.system.sandboxUrl}/ledger?order_id=${id}`);
  expect(body.authorizations).toMatchObject([{ captured: 2000, refunded: 2000 }]);

  const sent = await placed();
  await customer.ended(sent);
  const refused = await oe(`orders refund ${sent} --reason "no such address"`);
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('order-api refuses (409)') });
  expect(await done('orders refund nothing --reason x', 1)).toBe('There is no order nothing.\n');
});

test('what a group does not hold of a topic is replayed to it, and no mail comes twice', async () => {
  const id = await placed();
  await customer.ended(id);
  const took = async () => (await data<Way>(`orders show ${id}`)).services['email']!.inbox.map(({ topic }) => topic);
  await eventually(async () => (await took()).length === 3);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const replay = `replay email --topic order.created --since ${since}`;
  const { count } = await data<{ count: number }>(`${replay} --dry-run`);
  expect(count).toBeGreaterThan(0);
  expect((await oe(replay)).code).toBe(2);
  // As for a group that is new: of this order it knows nothing of the first event.
  const forget = `DELETE FROM inbox WHERE key = $1 AND topic = 'order.created'`;
  await withClient(real.system.databaseUrls['email']!, (client) => client.query(forget, [id]));
  expect(await took()).toHaveLength(2);
  expect(await done(`${replay} --reason "email is new"`)).toContain(`email is asked about ${count} order.created`);
  await eventually(async () => (await took()).includes('order.created'));
  const { body } = await call<{ mails: object[] }>('GET', `${real.system.sandboxUrl}/mails?order_id=${id}`);
  expect(body.mails).toHaveLength(3);
  const actions = await data<{ action: string; service: string }[]>('actions --action replay');
  expect(actions).toMatchObject([{ action: 'replay', service: 'order-api' }]);
});
