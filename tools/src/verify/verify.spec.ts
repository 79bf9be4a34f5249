import type { Case } from './case';
import type { Ask } from './databases';
import { invariants, report, type Result } from './verify';

const items = [{ product_id: 'prod1', quantity: 2 }];
const mails = { received: 'sent', confirmed: 'skipped', completed: null, cancelled: null };
const letter = (order_id: string, type: string, copies = 1) => ({
  order_id,
  message_id: `<${order_id}.${type}@order-events.example>`,
  copies,
});

const order = { version: 2, items, total: 2000, currency: 'EUR', email: 'a@example.com', tracking_number: null };

function completed(order_id = 'o1'): Case {
  return {
    order_id,
    order: { ...order, order_id, status: 'completed', tracking_number: 't1' },
    history: [
      { order_id, version: 1, status: 'pending' },
      { order_id, version: 2, status: 'completed' },
    ],
    reservation: { order_id, state: 'sold', items },
    payment: { order_id, state: 'captured', cancelled: false },
    shipment: { order_id, state: 'dispatched', tracking_number: 't1' },
    mails: { ...mails, order_id, completed: 'sent' },
    authorizations: [{ order_id, state: 'captured', currency: 'EUR', captured: 2000, refunded: 0 }],
    parcels: [{ order_id, tracking_number: 't1', items }],
    letters: [letter(order_id, 'received'), letter(order_id, 'completed')],
  };
}

function cancelled(): Case {
  const order_id = 'o2';
  return {
    order_id,
    order: { ...order, order_id, status: 'cancelled' },
    history: [
      { order_id, version: 1, status: 'pending' },
      { order_id, version: 2, status: 'cancelled' },
    ],
    reservation: { order_id, state: 'cancelled', items },
    payment: { order_id, state: 'refunded', cancelled: true },
    shipment: { order_id, state: 'cancelled', tracking_number: null },
    mails: { ...mails, order_id, cancelled: 'sent' },
    authorizations: [{ order_id, state: 'captured', currency: 'EUR', captured: 2000, refunded: 2000 }],
    parcels: [],
    letters: [letter(order_id, 'received'), letter(order_id, 'cancelled')],
  };
}

/** What the databases of these two orders hold beside the cases. */
function tables() {
  const outbox = [
    { id: 'e1', topic: 'order.created', key: 'o1' },
    { id: 'e2', topic: 'order.completed', key: 'o1' },
    { id: 'e3', topic: 'order.created', key: 'o2' },
    { id: 'e4', topic: 'order.cancelled', key: 'o2' },
  ];
  const heldBy = (...topics: string[]) =>
    outbox.filter(({ topic }) => topics.includes(topic)).map(({ id }) => ({ id }));
  return {
    outbox: { order_api: outbox },
    inbox: {
      inventory: heldBy('order.created', 'order.cancelled'),
      payment: heldBy('order.created', 'order.cancelled'),
      logistics: heldBy('order.created', 'order.cancelled'),
      email: heldBy('order.created', 'order.completed', 'order.cancelled'),
    },
    count: {},
    failures: {},
    effects: { payment: [{ idempotency_key: 'o1.capture', state: 'closed', attempts: 1 }] },
    stock: { inventory: [{ product_id: 'prod1', available: 8, reserved: 0, sold: 2 }] },
    origins: { inventory: [{ order_id: 'o1', explained: true }] },
  } as Record<string, Record<string, object[]>>;
}

function askOf(content: ReturnType<typeof tables>): Ask {
  const tableOf = (sql: string) => {
    if (sql.includes('AS explained')) return 'origins';
    if (sql.includes('failures')) return 'failures';
    if (sql.includes('count(*)')) return 'count';
    return /FROM (outbox|inbox|effects|stock)/.exec(sql)![1]!;
  };
  return async <R extends object>(database: string, sql: string) => (content[tableOf(sql)]?.[database] ?? []) as R[];
}

async function check(cases: Case[], content = tables()): Promise<Result[]> {
  return Promise.all(invariants.map(async ({ name, check }) => ({ name, ...(await check(cases, askOf(content))) })));
}

const failed = (results: Result[]) => results.filter(({ violations }) => violations.length > 0).map(({ name }) => name);

test('a completed and a cancelled order without fault violate nothing', async () => {
  const results = await check([completed(), cancelled()]);
  expect(results.flatMap(({ violations }) => violations)).toEqual([]);
  expect(report(results).at(-1)).toBe('All invariants hold.');
});

test.each<[string, RegExp, (done: Case, gone: Case) => void]>([
  ['an order that hangs', /every order has ended/, (done) => (done.order!.status = 'paid')],
  ['a lost line of history', /history/, (done) => done.history.shift()],
  ['history of another end', /history/, (done) => (done.history[1]!.status = 'cancelled')],
  ['a payment of nobody', /does not exist/, (_, gone) => delete gone.order],
  [
    'two authorizations',
    /at most once/,
    (done) => done.authorizations.push({ ...done.authorizations[0]!, captured: 0 }),
  ],
  ['no charge', /charged once/, (done) => (done.authorizations = [])],
  ['another charge than the total', /charged once/, (done) => (done.authorizations[0]!.captured = 1999)],
  ['a charge that was given back', /charged once/, (done) => (done.authorizations[0]!.refunded = 2000)],
  ['a charge for nothing', /not charged/, (_, gone) => (gone.authorizations[0]!.refunded = 0)],
  [
    'money held back for nothing',
    /not charged/,
    (_, gone) =>
      (gone.authorizations[0] = { ...gone.authorizations[0]!, state: 'authorized', captured: 0, refunded: 0 }),
  ],
  ['a refund under way', /not charged/, (_, gone) => (gone.payment!.state = 'reversing')],
  ['goods that are still reserved', /sold, those/, (done) => (done.reservation!.state = 'reserved')],
  [
    'other goods than ordered',
    /sold, those/,
    (done) => (done.reservation!.items = [{ product_id: 'prod1', quantity: 1 }]),
  ],
  ['two parcels', /left once/, (done) => done.parcels.push(done.parcels[0]!)],
  ['another tracking number', /left once/, (done) => (done.order!.tracking_number = 't2')],
  ['a parcel of a cancelled order', /has not left/, (_, gone) => (gone.parcels = completed().parcels)],
  ['an end that nobody was told', /was told/, (done) => (done.mails!.completed = 'queued')],
  ['a mail that has not arrived', /has arrived/, (done) => done.letters.pop()],
  ['a mail that nobody sent', /has arrived/, (done) => done.letters.push(letter('o1', 'cancelled'))],
])('%s is found', async (_what, invariant, spoil) => {
  const [done, gone] = [completed(), cancelled()];
  spoil(done, gone);
  expect(failed(await check([done, gone])).join()).toMatch(invariant);
});

test.each<[string, RegExp, (content: ReturnType<typeof tables>) => void]>([
  ['an event that did not arrive', /come to each group/, ({ inbox }) => inbox!.email!.pop()],
  [
    'an order that was announced twice',
    /announced once/,
    ({ outbox }) => outbox!.order_api!.push({ id: 'e5', topic: 'order.created', key: 'o1' }),
  ],
  [
    'an order with two ends',
    /announced once/,
    ({ outbox }) => outbox!.order_api!.push({ id: 'e5', topic: 'order.cancelled', key: 'o1' }),
  ],
  [
    'a state that was told of twice',
    /the same of an order twice/,
    ({ outbox, inbox }) => {
      outbox!.order_api!.push(
        { id: 'e5', topic: 'order.paid', key: 'o1' },
        { id: 'e6', topic: 'order.paid', key: 'o1' },
      );
      for (const group of ['inventory', 'logistics']) inbox![group]!.push({ id: 'e5' }, { id: 'e6' });
    },
  ],
  [
    'a dead letter',
    /dead letter/,
    (content) =>
      (content.failures!.payment = [
        { consumer_group: 'payment', topic: 't', key: 'o1', id: 'e1', state: 'dead', error: 'x' },
      ]),
  ],
  [
    'an open call',
    /left open/,
    ({ effects }) => effects!.payment!.push({ idempotency_key: 'o2.void', state: 'open', attempts: 3 }),
  ],
  [
    'a row out of nowhere',
    /without the event/,
    ({ origins }) => origins!.inventory!.push({ order_id: 'o9', explained: false }),
  ],
  ['stock that nobody holds', /what orders hold/, ({ stock }) => Object.assign(stock!.inventory![0]!, { reserved: 1 })],
  ['stock below zero', /what orders hold/, ({ stock }) => Object.assign(stock!.inventory![0]!, { available: -1 })],
])('%s is found', async (_what, invariant, spoil) => {
  const content = tables();
  spoil(content);
  expect(failed(await check([completed(), cancelled()], content)).join()).toMatch(invariant);
});

test('of an order whose first events are forgotten nothing counts as missing; of a younger one its first event is', async () => {
  const [older, old, younger] = ['0', '1', '2'].map((digit) => `019a000${digit}-0000-7000-8000-000000000000`);
  const announced = async (order_id: string) => {
    const content = tables();
    content.outbox!.order_api = [{ id: old, topic: 'order.completed', key: order_id }];
    content.inbox!.email!.push({ id: old });
    return failed(await check([completed(order_id)], content));
  };
  expect(await announced(older!)).toEqual([]);
  expect((await announced(younger!)).join()).toMatch(/announced once/);
  // An id that came from elsewhere tells no time.
  expect(await announced('order-7')).toEqual([]);
});

test('a mail that came twice after a crash is no violation, but is counted', async () => {
  const done = completed();
  done.letters[1]!.copies = 3;
  const results = await check([done, cancelled()]);
  expect(failed(results)).toEqual([]);
  expect(report(results).join('\n')).toContain('note: 2 arrived a second time');
});

test('an event that the broker had refused, and an operator has brought back, stands twice in the outbox and was told once', async () => {
  const content = tables();
  // What `publishRefused` appends: the same event, with its id.
  content['outbox']!['order_api']!.push({ id: 'e1', topic: 'order.created', key: 'o1' });
  expect(failed(await check([completed(), cancelled()], content))).toEqual([]);
});
