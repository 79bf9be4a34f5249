import { KEPT_BYTES, MAX_BODY_BYTES, noTracer, StoreError, type Message } from '@order-events/messaging';
import { Metrics } from '@order-events/service-kit';
import { PostgresStore } from '@order-events/store';
import { eventually } from '@order-events/testing';
import { foreignEventId } from '../src/bridge/event-id';
import { Intake, type IntakeOptions } from '../src/bridge/intake';
import { json, log, order, OrderApi } from './start-order-api';

const SOURCE = 'kafka:order_events';
let api: OrderApi;
beforeEach(async () => {
  api = await OrderApi.start();
});
afterEach(() => api.close());

const never = new AbortController().signal;
const intake = (more: Partial<IntakeOptions> = {}) =>
  new Intake({
    store: api.store,
    outboxAge: { isOld: false },
    source: SOURCE,
    maxEventBytes: 1_000_000,
    metrics: new Metrics('test'),
    log,
    tracer: noTracer,
    ...more,
  });

const message = (body: string | Buffer): Message => ({ topic: '', key: '', headers: {}, body: Buffer.from(body) });
const bare = (order_id: unknown, more: object = {}) =>
  JSON.stringify({
    order_id,
    user_id: 'u1',
    product_ids: ['prod1', 'prod2', 'prod1'],
    timestamp: 1_700_000_000,
    ...more,
  });
const take = (...bodies: (string | Buffer)[]) => intake().handle(bodies.map(message), never);

interface Letter {
  key: string;
  error: string;
  body: Buffer;
}
const letters = () =>
  api.sql<Letter & Record<string, unknown>>(
    `SELECT f.key, f.errors -> -1 ->> 'error' AS error, f.body FROM inbox i JOIN failures f USING (consumer_group, id)
     WHERE consumer_group = 'bridge' AND state = 'dead' ORDER BY i.at`,
  );
const orders = async () =>
  (await api.sql<{ order_id: string }>('SELECT order_id FROM orders ORDER BY 1')).map((o) => o.order_id);

test('places an order under the id and of the time that it comes with, once, however often it comes', async () => {
  const id = `~Order.7_${'x'.repeat(118)}-`;
  await take(bare(id), bare(id), bare('other'));
  await take(bare(id));
  expect(await orders()).toEqual(['other', id].sort());
  expect(await api.order(id)).toMatchObject({
    order_id: id,
    user_id: 'u1',
    status: 'pending',
    items: [
      { product_id: 'prod1', quantity: 2, unit_price: 1000 },
      { product_id: 'prod2', quantity: 1, unit_price: 1000 },
    ],
    total: 3000,
    created_at: '2023-11-14T22:13:20.000Z',
    history: [{ version: 1, event: 'order.created' }],
  });
  const [event, ...others] = await api.events(id);
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    topic: 'order.created',
    headers: { 'ce-causationid': foreignEventId(SOURCE, id), 'ce-subject': id },
    data: { order_id: id, product_ids: ['prod1', 'prod2'], timestamp: 1_700_000_000 },
  });
  expect(await api.sql('SELECT key, state FROM inbox WHERE id = $1', [foreignEventId(SOURCE, id)])).toEqual([
    { key: id, state: 'applied' },
  ]);
  expect(await letters()).toEqual([]);
});

test('the event id is the same for ever, and a UUIDv5', () => {
  // As Python's uuid5 makes it.
  expect(foreignEventId(SOURCE, 'o1')).toBe('18d4bbbd-4ca7-5a70-9c3f-301a60544db9');
  expect(foreignEventId('nats:orders', 'o1')).not.toBe(foreignEventId(SOURCE, 'o1'));
});

test('what is no order is one dead letter that says why and has the bytes, and the orders beside it are placed', async () => {
  const garbage: [body: string | Buffer, reason: RegExp][] = [
    ['', /the body is empty/],
    ['hello', /not JSON/],
    [Buffer.from([0, 0xff, 0xfe, 0x80]), /not JSON/],
    ['null', /not an order/],
    ['[]', /not an order/],
    [bare('a/b'), /order_id/],
    [bare(''), /order_id/],
    [bare('..'), /order_id/],
    [bare('x'.repeat(129)), /order_id/],
    [bare(7), /order_id/],
    [bare('n1', { user_id: 'with\0nul' }), /user_id/],
    [bare('n2', { product_ids: [] }), /product_ids/],
    [bare('n3', { product_ids: Array.from({ length: 1_001 }, () => 'prod1') }), /product_ids/],
    [bare('n4', { timestamp: 1_700_000_000_000 }), /timestamp[^]*Unix seconds|Unix seconds[^]*timestamp/],
    [bare('n5').replace('1700000000', '1e999'), /timestamp/],
    [bare('n6').replace('1700000000', '-1'), /timestamp/],
    [bare('n7', { product_ids: ['nothing'] }), /unknown-product: There is no product nothing/],
  ];
  const bodies = garbage.map(([body]) => body);
  await take(...bodies, bare('good'), ...bodies);
  await take(...bodies);
  expect(await orders()).toEqual(['good']);
  const dead = await letters();
  expect(dead).toHaveLength(garbage.length);
  for (const [body, reason] of garbage) {
    const letter = dead.find((one) => one.body.equals(Buffer.from(body)));
    expect(letter?.error).toMatch(reason);
  }
  const told = await api.sql(`SELECT 1 FROM outbox WHERE topic = 'event.dead_lettered'`);
  expect(told).toHaveLength(garbage.length);
});

test('what is over-long is a dead letter of which the beginning is kept; also redriven it is never taken for the whole', async () => {
  const padded = bare('o1') + ' '.repeat(MAX_BODY_BYTES);
  await take(padded, bare('o2'), padded);
  const dead = await letters();
  expect(dead).toMatchObject([{ error: expect.stringContaining(`it has ${padded.length} bytes`) }]);
  expect(dead[0]!.body.toString()).toBe(padded.slice(0, KEPT_BYTES));
  await api.store.deadLetters.redrive({ group: 'bridge' }, { limit: 10, actor: 'me', reason: 'a test' });
  await intake().retryDue(never);
  expect(await letters()).toEqual(dead);
  expect(await orders()).toEqual(['o2']);
});

test('one that an older version has filed stays whole, and is not said to be cut', async () => {
  const padded = message(bare('o1') + ' '.repeat(MAX_BODY_BYTES));
  const [id, key] = ['018f0000-0000-8000-8000-00000000000a', 'o1'];
  const failure = { message: { ...padded, topic: SOURCE }, error: 'no such product', attempts: 1, delayMs: 0 };
  await api.store.transact((tx) => tx.take('bridge', [{ id, topic: SOURCE, key, state: 'retrying', failure }]));
  await intake().retryDue(never);
  const [letter] = await letters();
  expect(letter!.error).toMatch(new RegExp(`^over-long: .* it has ${padded.body.byteLength} bytes$`));
  expect(letter!.body.byteLength).toBe(padded.body.byteLength);
});

test('a whole one that says of itself that it was cut is placed, also when it is sent through again', async () => {
  const says = (body: string) => ({ ...message(body), headers: { 'oe-cut-from': '5000000' } });
  await intake().handle([says(bare('o1')), says(bare('o2', { product_ids: ['new'] }))], never);
  expect(await orders()).toEqual(['o1']);
  await api.sql(`INSERT INTO products VALUES ('new', 'New', 5, 'EUR')`);
  await api.store.deadLetters.redrive({ group: 'bridge' }, { limit: 10, actor: 'me', reason: 'a test' });
  await intake().retryDue(never);
  expect(await orders()).toEqual(['o1', 'o2']);
});

test('an id that stands for something else already is a conflict', async () => {
  const posted = await api.placed();
  await take(bare('o1'));
  await take(bare('o1', { user_id: 'u2' }), bare(posted));
  await intake({ source: 'nats:orders' }).handle([message(bare('o1'))], never);
  expect((await letters()).map(({ key, error }) => [key, error])).toEqual([
    ['o1', 'conflict: order o1 was another one before'],
    [posted, `conflict: order ${posted} was placed here, and not from elsewhere`],
    ['o1', `conflict: order o1 came from ${SOURCE} before`],
  ]);
  expect(await api.order('o1')).toMatchObject({ user_id: 'u1' });
  expect(await json(await api.fetch(`/orders/${posted}`))).toMatchObject({ user_id: order.user_id, total: 2000 });
});

test('a dead letter that is redriven is placed when its product is there, and one that was discarded stays away', async () => {
  const by = { limit: 10, actor: 'me', reason: 'a test' };
  await take(bare('o1', { product_ids: ['new'] }), 'garbage');
  await api.store.deadLetters.discard({ group: 'bridge', error: 'not JSON' }, by);
  await take('garbage');
  await api.sql(`INSERT INTO products VALUES ('new', 'New', 5, 'EUR')`);
  // The message itself may come again: it waits for the operator.
  await take(bare('o1', { product_ids: ['new'] }));
  expect(await orders()).toEqual([]);
  expect(await api.store.deadLetters.redrive({ group: 'bridge' }, by)).toBe(1);
  await intake().retryDue(never);
  expect(await api.order('o1')).toMatchObject({ total: 5 });
  expect(await api.sql(`SELECT state FROM inbox WHERE state NOT IN ('applied', 'discarded')`)).toEqual([]);
});

test('a correct message is placed although one with the same id was dead, which then stays a conflict', async () => {
  const by = { limit: 10, actor: 'me', reason: 'a test' };
  await take(bare('o1', { product_ids: ['nothing'] }));
  await take(bare('o1'));
  expect(await orders()).toEqual(['o1']);
  await api.sql(`INSERT INTO products VALUES ('nothing', 'Nothing', 5, 'EUR')`);
  await api.store.deadLetters.redrive({ group: 'bridge' }, by);
  await intake().retryDue(never);
  expect((await letters()).map(({ error }) => error)).toEqual(['conflict: order o1 was another one before']);
});

test('what the database refuses for its own sake is a dead letter, and the others are placed', async () => {
  await api.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF new.user_id = 'poison' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN new; END $$`);
  await api.sql('CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()');
  await take(bare('o1'), bare('o2', { user_id: 'poison' }), bare('o3'));
  expect(await orders()).toEqual(['o1', 'o3']);
  expect((await letters()).map(({ key, error }) => [key, error])).toEqual([
    ['o2', expect.stringMatching('not this one')],
  ]);
});

test('holds what came while the database is away or orders cannot be passed on, and places it then', async () => {
  let away = 3;
  const outboxAge = { isOld: true };
  const store: IntakeOptions['store'] = {
    dueRetries: api.store.dueRetries.bind(api.store),
    transact: (work) => (away-- > 0 ? Promise.reject(new StoreError('unavailable', 'away')) : api.store.transact(work)),
  };
  const metrics = new Metrics('test');
  const taking = intake({ outboxAge, store, metrics }).handle([message(bare('o1'))], never);
  const held = async () => (await metrics.held.get()).values[0]?.value ?? 0;
  await eventually(async () => (await held()) >= 2);
  expect(await orders()).toEqual([]);
  outboxAge.isOld = false;
  await taking;
  expect(await held()).toBeGreaterThanOrEqual(5);
  expect(await orders()).toEqual(['o1']);
});

test('gives back what it holds when it is to stop', async () => {
  const stop = new AbortController();
  const metrics = new Metrics('test');
  const taking = intake({ outboxAge: { isOld: true }, metrics }).handle([message(bare('o1'))], stop.signal);
  const ended = expect(taking).rejects.toThrow('stopped');
  await eventually(async () => (await metrics.held.get()).values.length > 0);
  stop.abort();
  await ended;
});

test('two replicas that get the same at the same moment place each order once', async () => {
  const onError = () => undefined;
  const other = new PostgresStore({ url: api.databaseUrl, connections: 5, applicationName: 'other', onError });
  const ids = Array.from({ length: 100 }, (_, number) => `o${number}`);
  const batch = (numbers: readonly string[]) => numbers.map((id) => message(bare(id)));
  const replicas = [intake(), intake({ store: other })];
  await Promise.all(
    Array.from({ length: 10 }, (_, round) => {
      const turned = [...ids.slice(round * 7), ...ids.slice(0, round * 7)];
      return replicas[round % 2]!.handle(batch(round % 3 === 0 ? turned.reverse() : turned), never);
    }),
  );
  expect(await orders()).toEqual([...ids].sort());
  expect(await api.count('outbox')).toBe(100);
  expect(await letters()).toEqual([]);
  await other.close();
});
