import { userInfo } from 'node:os';
import { Router } from 'express';
import { Problem } from '@order-events/service-kit';
import { declareAudits } from '@order-events/store';
import { freePort } from '@order-events/testing';
import { die, errors, run, start, told, type Service } from './services';

const STOCK = { product_id: 'apple', available: 7, reserved: 2, sold: 1 };
let inventory: Service;
let email: Service;

beforeEach(async () => {
  const stock = Router().get('/stock', (_request, response) => void response.json({ items: [STOCK] }));
  [inventory, email] = await Promise.all([start('inventory', stock), start('email')]);
});
afterEach(async () => {
  await Promise.all([inventory.close(), email.close()]);
  expect(errors).toEqual([]);
});

const oe = (line: string, env: NodeJS.ProcessEnv = {}) =>
  run(line, { OE_SERVICES: `inventory=${inventory.url},email=${email.url}`, ...env });

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
  const none = await oe('dlq discard --type order.paid --reason "not ours"');
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
  const reservation = { order_id: 'o1', version: 2, state: 'sold', items: [{ product_id: 'apple', quantity: 2 }] };
  const holding = Router().get('/orders/o1', (_request, response) => void response.json(reservation));
  const keeper = await start('payment', holding);
  const all = `order-api=${orderApi.url},inventory=${inventory.url},payment=${keeper.url},email=${email.url}`;
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
  for (const fact of [/^payment +state +sold$/m, /^payment +items +\[\{"product_id":"apple","quantity":2\}\]$/m])
    expect(whole.stdout).toMatch(fact);
  const { data } = await oe('orders show o1 --json', { OE_SERVICES: all });
  expect(data()).toMatchObject({
    order,
    services: {
      inventory: { outbox: [{ id: event.id }] },
      email: { inbox: [{ state: 'applied' }], holds: null },
      payment: { holds: reservation },
    },
  });
  const missing = await oe('orders show o2', { OE_SERVICES: all });
  expect([missing.code, missing.stdout]).toEqual([1, 'There is no order o2.\n']);
  await Promise.all([orderApi.close(), keeper.close()]);

  const nobody = `http://127.0.0.1:${await freePort()}`;
  const part = await oe('orders show o1', { OE_SERVICES: `order-api=${nobody},inventory=${inventory.url}` });
  expect(part.code).toBe(3);
  expect(part.stderr).toMatch(new RegExp(`^order-api did not answer at ${nobody}: .*ECONNREFUSED`, 'm'));
  expect(part.stdout).toContain('inventory.reserved');
});

test('an order is refunded with who wants it and why, and what is refused is told', async () => {
  const asked: unknown[] = [];
  const order = { order_id: 'o1', status: 'paid', recalled: true, payment: 'captured' };
  const routes = Router()
    .post('/orders/o1/refund', (request, response) => {
      asked.push(request.body);
      response.json(order);
    })
    .post('/orders/o2/refund', () => {
      throw new Problem(409, { kind: 'not-refundable', detail: 'Its goods have left.' });
    });
  const orderApi = await start('order-api', routes);
  const refund = (line: string) => oe(`orders refund ${line}`, { OE_SERVICES: `order-api=${orderApi.url}` });

  const done = await refund('o1 --reason "no such address" --actor ann');
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('order o1 is recalled')]);
  expect(asked).toEqual([{ actor: 'ann', reason: 'no such address' }]);
  Object.assign(order, { status: 'cancelled', payment: 'refunded' });
  expect((await refund('o1 --reason again')).stdout).toBe('order o1 is cancelled already, its payment refunded\n');
  expect((await refund('o1 --reason again --json')).data()).toEqual(order);
  const refused = await refund('o2 --reason x');
  expect([refused.code, refused.stderr]).toEqual([1, 'order-api refuses (409): Its goods have left.\n']);
  const missing = await refund('o3 --reason x');
  expect([missing.code, missing.stdout]).toEqual([1, 'There is no order o3.\n']);
  await orderApi.close();
});

test('lag, outbox and stock are shown; a group is paused and resumed', async () => {
  await inventory.store.transact((tx) => tx.append([told('o1'), told('o2'), { ...told('o3'), delayMs: 3_600_000 }]));
  const stock = await oe('stock');
  expect([stock.code, stock.stdout]).toEqual([0, expect.stringMatching(/^apple +7 +2 +1$/m)]);
  const outbox = await oe('outbox --key o2 --json');
  expect(outbox.data()).toMatchObject({
    inventory: { scheduled: { count: 1, next_at: expect.any(String) }, items: [{ key: 'o2' }] },
    email: { oldest_ms: 0, scheduled: { count: 0, next_at: null }, items: [] },
  });
  expect((await oe('outbox')).stdout).toMatch(/^inventory +\d+(\.\d)? (ms|s|min) +1 +20\S+Z$/m);

  const paused = await oe('pause inventory --reason "the handler is wrong"');
  expect([paused.code, paused.stdout]).toEqual([0, 'inventory is paused\n']);
  const lag = await oe('lag');
  expect(lag.stdout).toMatch(/^inventory +3 +0 +0 +0 +- +\S+ \S+ +since .*: the handler is wrong$/m);
  expect(lag.stdout).toMatch(/^email +3 +0 +0 +0 +- +0 ms +-$/m);
  expect((await oe('resume inventory --reason mended')).stdout).toBe('inventory is not paused\n');
  expect((await oe('lag --json')).data()).toMatchObject({
    inventory: { paused: null, backlog: 3, outbox_oldest_ms: expect.any(Number) },
  });
});

test('paid orders that are past their deadline are shown', async () => {
  const late = {
    order_id: 'o1',
    user_id: 'ann',
    total: 200,
    currency: 'EUR',
    placed_at: 1_790_000_000,
    overdue_s: 5_400,
  };
  const items = [late];
  const routes = Router().get('/overdue', (_request, response) => void response.json({ items }));
  const orderApi = await start('order-api', routes);
  const overdue = (line: string) => oe(`overdue ${line}`, { OE_SERVICES: `order-api=${orderApi.url}` });
  const shown = await overdue('');
  expect([shown.code, shown.stderr]).toEqual([0, '']);
  expect(shown.stdout).toMatch(/^o1 +ann +200 +EUR +2026-09-21T14:13:20.000Z +1.5 h$/m);
  expect((await overdue('--json')).data()).toEqual([late]);
  items.pop();
  expect((await overdue('')).stdout).toBe('no order is overdue\n');
  await orderApi.close();
  const away = await overdue('');
  expect([away.code, away.stdout]).toEqual([3, expect.not.stringContaining('no order')]);
});

test('what was done by hand is shown over all services, with who did it and why', async () => {
  expect((await oe('actions')).stdout).toBe('nothing was done by hand\n');
  const event = told('o1');
  await die(inventory, 'inventory', event, 'Error: too little');
  await oe('pause email --reason "wrong template" --actor bob');
  await oe('dlq discard --group inventory --reason "not ours" --actor ann');
  await oe('resume email --reason mended --actor ann');
  const all = await oe('actions');
  expect([all.code, all.stderr]).toEqual([0, '']);
  const lines = all.stdout.trimEnd().split('\n').slice(1);
  expect(lines).toEqual([
    expect.stringMatching(/^20\S+ +email +ann +resume +email +- +mended$/),
    expect.stringMatching(new RegExp(`^20\\S+ +inventory +ann +discard +inventory +${event.id} +not ours$`)),
    expect.stringMatching(/^20\S+ +email +bob +pause +email +- +wrong template$/),
  ]);
  const items = async (line: string) =>
    ((await oe(`actions ${line} --json`)).data() as { action: string }[]).map(({ action }) => action);
  expect(await items('--actor ann')).toEqual(['resume', 'discard']);
  expect(await items('--action pause')).toEqual(['pause']);
  expect(await items(`--id ${event.id}`)).toEqual(['discard']);
  expect(await items('--limit 1')).toEqual(['resume']);
});

test('what each group is known to hold is shown, and asked again after a restore', async () => {
  const topics = ['inventory.reserved'];
  await declareAudits(
    inventory.store.database,
    new Map([
      ['order-api', topics],
      ['email', topics],
    ]),
  );
  await declareAudits(email.store.database, new Map([['order-api', topics]]));
  const shown = await oe('audit');
  expect([shown.code, shown.stderr]).toEqual([0, '']);
  for (const line of [/^inventory +email +0 +0 ms +0 +0 +-$/m, /^email +order-api +0 +0 ms +0 +0 +-$/m])
    expect(shown.stdout).toMatch(line);
  expect((await oe('audit --group email --json')).data()).toMatchObject([{ publisher: 'inventory', group: 'email' }]);

  await inventory.store.transact((tx) => tx.append([told('o1')]));
  const again = await oe('audit --group email --since 2026-01-01T00:00:00+01:00 --reason "a restore" --actor ann');
  expect([again.code, again.stdout]).toEqual([
    0,
    'email is asked again about all since 2025-12-31T23:00:00.000Z by inventory\n',
  ]);
  expect(await inventory.store.operatorActions.list({}, 10)).toMatchObject([
    {
      action: 'audit',
      actor: 'ann',
      reason: 'a restore',
      consumer_group: 'email',
      details: { since: '2025-12-31T23:00:00.000Z' },
    },
  ]);
  expect(await email.store.operatorActions.list({}, 10)).toEqual([]);
  const nobodys = await oe('audit --group kitchen --since 2026-01-01T00:00:00Z --reason x --json');
  expect([nobodys.code, nobodys.data()]).toMatchObject([1, { publishers: [] }]);
  expect((await oe('audit --group kitchen')).code).toBe(1);
});

test('what was told of a topic is counted and replayed to a group, one replay at a time', async () => {
  const replay = (more: string) =>
    oe(`replay order-api --topic inventory.reserved --since 2026-01-01T00:00:00Z ${more}`);
  await inventory.store.transact((tx) => tx.append([told('o1'), told('o2')]));
  const early = await replay('--reason x');
  expect([early.code, early.stdout]).toEqual([1, expect.stringContaining('inventory was not set up')]);

  await declareAudits(inventory.store.database, new Map([['order-api', ['inventory.reserved']]]));
  const dry = await replay('--dry-run --json');
  expect([dry.code, dry.data()]).toMatchObject([0, { count: 2, dry_run: true }]);
  expect((await oe('audit --json')).data()).toMatchObject([{ verified: 2, replay: null }]);

  const done = await replay('--reason "it is new" --actor ann');
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('is asked about 2 inventory.reserved')]);
  expect((await oe('audit')).stdout).toMatch(/^inventory +order-api +0 .* inventory\.reserved up to 2$/m);
  const second = await replay('--reason "it is new"');
  expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('(409): Something is being replayed')]);
  expect(await inventory.store.operatorActions.list({}, 10)).toMatchObject([
    {
      action: 'replay',
      actor: 'ann',
      consumer_group: 'order-api',
      details: { topic: 'inventory.reserved', since: '2026-01-01T00:00:00.000Z' },
    },
  ]);
});
