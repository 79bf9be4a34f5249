import { events } from '@order-events/contracts';
import { StoreError, systemRuntime } from '@order-events/messaging';
import type { PostgresStore } from '@order-events/store';
import type { Claim, PlaceRequest, Wish } from '../src/door/request';
import { forgetKeys } from '../src/door/forget-keys';
import { json, order, OrderApi, problem } from './start-order-api';

let api: OrderApi;
beforeAll(async () => {
  api = await OrderApi.start();
});
beforeEach(() => api.sql('TRUNCATE orders, order_history, idempotency_keys, outbox'));
afterAll(async () => {
  await api.close();
  expect(api.errors).toEqual([]);
});

const withKey = (key: string, body: unknown = order) => api.post(body, { 'idempotency-key': key });

const request = (claim?: Partial<Claim>, wish: Partial<Wish> = {}): PlaceRequest => ({
  order_id: systemRuntime.eventId(),
  wish: { user_id: 'u1', items: [{ product_id: 'prod1', quantity: 1 }], ...wish },
  claim: claim && { caller: 'anyone', key: 'k', fingerprint: 'f', ...claim },
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
});

/** The store, with what a test does to its transactions. */
function tampered(transact: (real: PostgresStore['transact']) => PostgresStore['transact']) {
  const real = api.store.transact.bind(api.store);
  return { transact: transact(real) };
}

describe('an order', () => {
  test('is answered with 201, where it is, and what it costs', async () => {
    const response = await api.post({ ...order, product_ids: ['prod2', 'prod1', 'prod2'], email: 'a@example.com' });
    expect(response.status).toBe(201);
    expect(response.headers.get('idempotency-replayed')).toBeNull();
    const body = await json(response);
    expect(body).toEqual({
      order_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'pending',
      total: 5000,
      currency: 'EUR',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
    });
    expect(response.headers.get('location')).toBe(`/orders/${body.order_id}`);
    const shown = await api.order(body.order_id);
    expect(shown).toMatchObject({ ...body, email: 'a@example.com', user_id: 'u1' });
    expect(shown.items).toEqual([
      { product_id: 'prod1', quantity: 3, unit_price: 1000 },
      { product_id: 'prod2', quantity: 2, unit_price: 1000 },
    ]);
    expect(shown.history).toEqual([
      { version: 1, event: 'order.created', status: 'pending', at: expect.stringMatching(/Z$/), detail: {} },
    ]);
  });

  test('is told of by one event that satisfies its schema and goes on with the trace', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { order_id } = await json(await api.post(order, { traceparent: trace }));
    const [event, ...others] = await api.events(order_id);
    expect(others).toEqual([]);
    expect(event!.headers).toMatchObject({
      'ce-type': 'order.created',
      'ce-source': '/order-api',
      'ce-subject': order_id,
      'ce-sequence': '1',
      'ce-traceparent': trace,
    });
    expect(events['order.created'].data.parse(event!.data)).toEqual(event!.data);
    expect(event!.data).toMatchObject({ order_id, user_id: 'u1', product_ids: ['prod1'], total: 2000 });
  });

  test.each(['', 'nonsense', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `ff-${'a'.repeat(32)}-b7ad6b7169203331-01`])(
    'gets a new trace in place of %j',
    async (traceparent) => {
      const { order_id } = await json(await api.post(order, { traceparent }));
      const [event] = await api.events(order_id);
      expect(event!.headers['ce-traceparent']).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(event!.headers['ce-traceparent']).not.toBe(traceparent);
    },
  );

  test('costs what the catalogue says when it is placed', async () => {
    const put = (price: number) =>
      api.operator('/products/changing', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Changing', price, currency: 'EUR', actor: 'ann', reason: 'a sale' }),
      });
    const wish = { user_id: 'u1', product_ids: ['changing'] };
    expect((await put(5)).status).toBe(200);
    const cheap = await json(await withKey('cheap', wish));
    expect((await put(7)).status).toBe(200);
    expect((await json(await api.post(wish))).total).toBe(7);
    expect(await json(await withKey('cheap', wish))).toEqual(cheap);
    expect(cheap.total).toBe(5);
  });
});

describe('a key', () => {
  test('that is repeated a hundred times at once places one order', async () => {
    const responses = await Promise.all(Array.from({ length: 100 }, () => withKey('"the key"')));
    const answers = await Promise.all(responses.map(async (response) => [response.status, await response.text()]));
    expect(new Set(answers.map(String)).size).toBe(1);
    expect(answers[0]![0]).toBe(201);
    expect(new Set(responses.map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(responses.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(99);
    for (const table of ['orders', 'order_history', 'outbox', 'idempotency_keys'])
      expect(await api.count(table)).toBe(1);
  });

  test('means the same with and without quotes, and whatever the order of the fields', async () => {
    const first = await json(await withKey('same'));
    const { user_id, items } = order;
    expect(await json(await withKey('"same"', { items, user_id }))).toEqual(first);
    expect(await api.count('orders')).toBe(1);
  });

  test('that comes again with another body is refused, and the first order stands', async () => {
    const { order_id } = await json(await withKey('reused'));
    expect(await problem(await withKey('reused', { ...order, user_id: 'u2' }), 422)).toMatchObject({
      type: 'urn:order-events:problem:idempotency-key-reused',
    });
    expect((await json(await withKey('reused'))).order_id).toBe(order_id);
    expect(await api.count('orders')).toBe(1);
  });

  test('that is new and comes twice in one batch places one order, and another body with it is refused', async () => {
    let transactions = 0;
    const store = tampered((real) => (work) => (transactions++, real(work)));
    const door = api.door({ store });
    const [one, two, other, keyless] = await Promise.allSettled([
      door.place(request({})),
      door.place(request({})),
      door.place(request({ fingerprint: 'other' })),
      door.place(request()),
    ]);
    expect(transactions).toBe(1);
    expect(one).toMatchObject({ status: 'fulfilled', value: { status: 201, replayed: false } });
    const { order_id, body } = (one as PromiseFulfilledResult<{ order_id: string; body: string }>).value;
    expect(two).toMatchObject({ status: 'fulfilled', value: { order_id, body, replayed: true } });
    expect(other).toMatchObject({ status: 'rejected', reason: { status: 422 } });
    expect(keyless).toMatchObject({ status: 'fulfilled', value: { replayed: false } });
    expect(await api.count('orders')).toBe(2);
  });

  test('is not used up by a request that cannot be placed', async () => {
    const unknown = { user_id: 'u1', product_ids: ['nothing'] };
    await problem(await withKey('spare', unknown), 422);
    expect((await withKey('spare')).status).toBe(201);
    await problem(await withKey('spare', unknown), 422);
  });

  test('goes, within one batch, to the first request that can be placed', async () => {
    const door = api.door();
    const unknown = { items: [{ product_id: 'nothing', quantity: 1 }] };
    const [impossible, possible] = await Promise.allSettled([
      door.place(request({ fingerprint: 'impossible' }, unknown)),
      door.place(request({ fingerprint: 'possible' })),
    ]);
    expect(impossible).toMatchObject({ status: 'rejected', reason: { status: 422 } });
    expect(possible).toMatchObject({ status: 'fulfilled', value: { replayed: false } });
  });

  test('places one order when two processes get it at once, whatever the order of many keys', async () => {
    const other = await OrderApi.start(api.databaseUrl);
    const keys = Array.from({ length: 60 }, (_, number) => `shared-${number}`);
    const doors = [api.door(), other.door()];
    const [forth, back] = await Promise.all([
      Promise.all(keys.map((key) => doors[0]!.place(request({ key })))),
      Promise.all(keys.toReversed().map((key) => doors[1]!.place(request({ key })))),
    ]);
    expect(back.toReversed().map(({ order_id }) => order_id)).toEqual(forth.map(({ order_id }) => order_id));
    expect(new Set(forth.map(({ order_id }) => order_id)).size).toBe(60);
    for (const table of ['orders', 'order_history', 'outbox', 'idempotency_keys'])
      expect(await api.count(table)).toBe(60);
    await other.close();
  });

  test('is locked in its place among the others, however they come, so that batches cannot deadlock', async () => {
    let transactions = 0;
    const door = api.door({ store: tampered((real) => (work) => (transactions++, real(work))) });
    const replies = await api.store.database.transact(async (session) => {
      const claim = (key: string) =>
        session.query(`INSERT INTO idempotency_keys VALUES ('anyone', $1, 'f', 'o1', 201, '{}')`, [key]);
      await claim('b');
      const replies = ['c', 'b'].map((key) => door.place(request({ key })));
      await api.waiting(1);
      await claim('c');
      return { settled: () => Promise.all(replies) };
    });
    const replayed = expect.objectContaining({ order_id: 'o1', replayed: true });
    expect(await replies.settled()).toEqual([replayed, replayed]);
    expect(transactions).toBe(1);
  });

  test('that another process has taken and not committed yet is waited for', async () => {
    let isTaken!: () => void;
    let mayCommit!: () => void;
    const taken = new Promise<void>((resolve) => (isTaken = resolve));
    const committing = new Promise<void>((resolve) => (mayCommit = resolve));
    const slow = tampered(
      (real) => (work) =>
        real(async (tx, session) => {
          const result = await work(tx, session);
          isTaken();
          await committing;
          return result;
        }),
    );
    const first = api.door({ store: slow }).place(request({}));
    await taken;
    const second = api.door().place(request({}));
    await api.waiting(1);
    mayCommit();
    expect(await second).toEqual({ ...(await first), replayed: true });
    expect(await api.count('orders')).toBe(1);
  });

  test('answers again after the answer was lost between the commit and the caller', async () => {
    const losing = tampered((real) => async (work) => {
      await real(work);
      throw new StoreError('unavailable', 'the connection broke');
    });
    const lost = request({});
    await expect(api.door({ store: losing }).place(lost)).rejects.toMatchObject({ kind: 'unavailable' });
    const reply = await api.door().place(request({}));
    expect(reply).toMatchObject({ order_id: lost.order_id, status: 201, replayed: true });
    expect(await api.count('orders')).toBe(1);
  });

  test('is forgotten after a day, not before', async () => {
    await withKey('young');
    await withKey('old');
    const age = `UPDATE idempotency_keys SET created_at = created_at - $1::interval WHERE key = $2`;
    await api.sql(age, ['23 hours', 'young']);
    await api.sql(age, ['25 hours', 'old']);
    await forgetKeys(api.store.database);
    expect(await api.sql('SELECT key FROM idempotency_keys')).toEqual([{ key: 'young' }]);
  });
});

describe('a batch', () => {
  test('places all others when the database refuses one of its rows', async () => {
    const door = api.door();
    const bad = door.place(request({ key: 'bad' }, { payment_token: 'a\0b' }));
    const good = Array.from({ length: 20 }, (_, number) => door.place(request({ key: `good-${number}` })));
    await expect(bad).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
    const placed = await Promise.all(good);
    expect(new Set(placed.map(({ order_id }) => order_id)).size).toBe(20);
    for (const table of ['orders', 'order_history', 'outbox', 'idempotency_keys'])
      expect(await api.count(table)).toBe(20);
  });

  test('is tried again when it was in the way of others', async () => {
    let failures = 2;
    const store = tampered(
      (real) => (work) => (failures-- > 0 ? Promise.reject(new StoreError('contended', 'deadlock')) : real(work)),
    );
    expect(await api.door({ store }).place(request())).toMatchObject({ status: 201 });
    expect(await api.count('orders')).toBe(1);
  });

  test('takes what its events can carry, and refuses what they cannot', async () => {
    const door = api.door({ maxEventBytes: 6_000 });
    const large = request(undefined, { shipping_address: { street: 'x'.repeat(2_000), city: 'y' } });
    const [refused, taken] = await Promise.allSettled([door.place(large), door.place(request())]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { name: 'Problem', status: 413 } });
    expect(taken).toMatchObject({ status: 'fulfilled' });
  });
});

test('when more orders wait than can be placed in any useful time, the next is refused for now', async () => {
  let goOn!: () => void;
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const store = tampered((real) => (work) => held.then(() => real(work)));
  const door = api.door({ store });
  const placed = Array.from({ length: 10_000 }, () => door.place(request({ key: 'one' })));
  await expect(door.place(request())).rejects.toMatchObject({ name: 'Problem', status: 503 });
  goOn();
  expect(new Set((await Promise.all(placed)).map(({ order_id }) => order_id)).size).toBe(1);
});

test('while the outbox is far behind, orders are refused for now, and taken again when it has caught up', async () => {
  await api.sql(
    `INSERT INTO outbox (id, topic, key, headers, body, created_at)
     VALUES (gen_random_uuid(), 'order.created', 'o1', '{}', '', clock_timestamp() - interval '11 seconds')`,
  );
  await api.outboxAge.refresh();
  const response = await api.post(order);
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  await problem(response, 503);
  await api.publishAll();
  await api.outboxAge.refresh();
  expect((await api.post(order)).status).toBe(201);
});
