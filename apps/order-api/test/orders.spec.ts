import type { Page } from '@order-events/service-kit';
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

const customer = {
  ...order,
  email: 'a@example.com',
  shipping_address: { street: 'Main Street 1', city: 'Springfield' },
  payment_token: 'tok_of_customer',
};

/** Follows the cursors to the end, and returns the ids of each page. */
async function pages(path: string): Promise<string[][]> {
  const found: string[][] = [];
  let cursor: string | null = null;
  do {
    const url: string = cursor === null ? path : `${path}&cursor=${cursor}`;
    const page: Page<{ order_id?: string; product_id: string }> = await json(await api.fetch(url));
    found.push(page.items.map(({ order_id, product_id }) => order_id ?? product_id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

test('an order is shown to its customer without the token, and to the operator with the token cut out', async () => {
  const id = await api.placed(customer);
  const { payment_token, ...visible } = customer;
  const shown = await api.order(id);
  expect(shown).toMatchObject({ ...visible, items: [{ product_id: 'prod1', quantity: 2, unit_price: 1000 }] });
  expect(JSON.stringify(shown)).not.toContain(payment_token);
  const all = await json(await api.operator(`/orders/${id}`));
  expect(all).toMatchObject({ order_id: id, version: 1, payment_token: '[redacted]', deadline: null });
  expect(all.history).toEqual(shown.history);
  expect((await json(await api.operator(`/orders/${await api.placed()}`))).payment_token).toBeNull();
  expect((await api.operator('/orders/nothing')).status).toBe(404);
});

test('history tells every step, oldest first', async () => {
  const id = await api.placed();
  await api.cancel(id);
  const { history, status, cancel_reason } = await api.order(id);
  expect([status, cancel_reason]).toEqual(['cancelled', 'customer_request']);
  expect(history).toEqual([
    { version: 1, event: 'order.created', status: 'pending', at: expect.any(String), detail: {} },
    {
      version: 2,
      event: 'order.cancelled',
      status: 'cancelled',
      at: expect.any(String),
      detail: { reason: 'customer_request' },
    },
  ]);
});

test('orders are listed newest first, page by page, each once, also those of one second', async () => {
  const ids = await Promise.all(Array.from({ length: 11 }, () => api.placed()));
  for (const [index, id] of ids.entries())
    await api.sql('UPDATE orders SET placed_at = $1 WHERE order_id = $2', [Math.floor(index / 4), id]);
  const expected = await api.sql<{ order_id: string }>(
    'SELECT order_id FROM orders ORDER BY placed_at DESC, order_id DESC',
  );
  const found = await pages('/orders?limit=3');
  expect(found.map((page) => page.length)).toEqual([3, 3, 3, 2]);
  expect(found.flat()).toEqual(expected.map(({ order_id }) => order_id));
});

test('a last page that is full is known to be the last', async () => {
  await Promise.all([api.placed(), api.placed()]);
  expect((await pages('/orders?limit=2')).map((page) => page.length)).toEqual([2]);
  expect((await json(await api.fetch('/orders?user_id=nobody'))).items).toEqual([]);
});

test('orders are filtered by user, by status and by both', async () => {
  const mine = await Promise.all(Array.from({ length: 3 }, () => api.placed({ ...order, user_id: 'me' })));
  const other = await api.placed();
  await api.cancel(mine[0]!);
  await api.cancel(other);
  const sorted = async (path: string) => (await pages(path)).flat().sort();
  expect(await sorted('/orders?user_id=me&limit=2')).toEqual(mine.toSorted());
  expect(await sorted('/orders?status=cancelled&limit=1')).toEqual([mine[0]!, other].sort());
  expect(await sorted('/orders?status=pending&user_id=me&limit=1')).toEqual(mine.slice(1).sort());
});

test('the catalogue is listed page by page, and each product shown', async () => {
  const all = ['prod-scarce', 'prod1', 'prod2', 'prod3', 'prod4', 'prod5', 'prod6'];
  const found = await pages('/products?limit=3');
  expect(found.map((page) => page.length)).toEqual([3, 3, 1]);
  expect(found.flat().sort()).toEqual(all);
  expect(await json(await api.fetch('/products/prod1'))).toEqual({
    product_id: 'prod1',
    name: 'Product 1',
    price: 1000,
    currency: 'EUR',
  });
});

describe('the operator', () => {
  const by = { actor: 'ann', reason: 'a new season' };
  const put = (id: string, body: object) =>
    api.operator(`/products/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...by, ...body }),
    });

  test('puts a product in, and changes it', async () => {
    const product = { name: 'New', price: 0, currency: 'USD' };
    for (const change of [product, { ...product, name: 'Renamed', price: 9_007_199_254_740_991 }]) {
      expect(await json(await put('new', change))).toEqual({ product_id: 'new', ...change });
      expect(await json(await api.fetch('/products/new'))).toEqual({ product_id: 'new', ...change });
      const [newest] = await api.store.operatorActions.list({}, 1);
      expect(newest).toMatchObject({ ...by, action: 'product', details: { product_id: 'new', ...change } });
    }
  });

  test.each([
    { name: 'New', price: -1, currency: 'EUR' },
    { name: 'New', price: 1.5, currency: 'EUR' },
    { name: 'New', price: 1, currency: 'euro' },
    { name: 'N\0w', price: 1, currency: 'EUR' },
    { name: 'New', price: 1, currency: 'EUR', stock: 1 },
    { price: 1, currency: 'EUR' },
    { name: 'New', price: 1, currency: 'EUR', reason: '' },
  ])('cannot put in %j', async (product) => {
    await problem(await put('refused', product), 400);
    expect((await api.fetch('/products/refused')).status).toBe(404);
  });
});

test('nobody on the way keeps what is answered', async () => {
  const paths = [`/orders/${await api.placed()}`, '/orders/nothing', '/products'];
  for (const path of paths) expect((await api.fetch(path)).headers.get('cache-control')).toBe('no-store');
});

test('health and readiness are told on the public port', async () => {
  expect(await json(await api.fetch('/healthz'))).toEqual({ status: 'ok', service: 'order-api' });
  expect(await json(await api.fetch('/readyz'))).toEqual({ status: 'ready', checks: { database: 'ok' } });
});
