import { gzipSync } from 'node:zlib';
import { order, OrderApi, problem } from './start-order-api';

let api: OrderApi;
beforeAll(async () => {
  api = await OrderApi.start();
});
afterEach(async () => {
  expect(await api.count('orders')).toBe(0);
  expect((await api.fetch('/healthz')).status).toBe(200);
});
afterAll(async () => {
  await api.close();
  expect(api.errors).toEqual([]);
});

const line = (quantity: unknown) => ({ user_id: 'u1', items: [{ product_id: 'prod1', quantity }] });
const ids = (count: number) => Array.from({ length: count }, (_, number) => `p${number}`);
const lines = (count: number) => ids(count).map((product_id) => ({ product_id, quantity: 1 }));

test.each<[string, unknown, string]>([
  ['nothing', {}, '/user_id'],
  ['no user', { items: order.items }, '/user_id'],
  ['no products', { user_id: 'u1' }, '/items'],
  ['empty lists', { user_id: 'u1', items: [], product_ids: [] }, '/items'],
  ['null', { user_id: null, items: order.items }, '/user_id'],
  ['a list', [], ''],
  ['an unknown field', { ...order, price: 1 }, ''],
  [
    'an unknown field of an item',
    { user_id: 'u1', items: [{ product_id: 'prod1', quantity: 1, unit_price: 0 }] },
    '/items/0',
  ],
  ['a user id that is none', { ...order, user_id: 'a b' }, '/user_id'],
  ['a user id that is too long', { ...order, user_id: 'x'.repeat(129) }, '/user_id'],
  ['NUL in an id', { ...order, user_id: 'a\0b' }, '/user_id'],
  ['NUL in a text', { ...order, payment_token: 'a\0b' }, '/payment_token'],
  ['NUL in the address', { ...order, shipping_address: { street: '\0', city: 'b' } }, '/shipping_address/street'],
  ['NUL in the email', { ...order, email: 'a\0@example.com' }, '/email'],
  ['half a character', { ...order, payment_token: '\ud800' }, '/payment_token'],
  ['an email that is none', { ...order, email: 'nobody' }, '/email'],
  ['an email that is too long', { ...order, email: `${'a'.repeat(60)}@${'b.'.repeat(100)}com` }, '/email'],
  ['an empty token', { ...order, payment_token: '' }, '/payment_token'],
  ['a token that no gateway would read', { ...order, payment_token: 'tok ök' }, '/payment_token'],
  ['half an address', { ...order, shipping_address: { street: 'a' } }, '/shipping_address/city'],
  ['quantity 0', line(0), '/items/0/quantity'],
  ['quantity −1', line(-1), '/items/0/quantity'],
  ['quantity 1.5', line(1.5), '/items/0/quantity'],
  ['quantity 10,001', line(10_001), '/items/0/quantity'],
  ['quantity 1e9', line(1e9), '/items/0/quantity'],
  ['quantity as text', line('1'), '/items/0/quantity'],
  [
    'too many of one product in several lines',
    { user_id: 'u1', items: [...line(6_000).items, ...line(6_000).items] },
    '/items',
  ],
  ['too many of one product by mention', { ...line(10_000), product_ids: ['prod1'] }, '/items'],
  ['1,001 items', { user_id: 'u1', items: lines(1_001) }, '/items'],
  ['10,001 mentions', { user_id: 'u1', product_ids: ids(10_001) }, '/product_ids'],
  ['1,001 items and mentions', { user_id: 'u1', items: lines(501), product_ids: ids(500) }, '/product_ids'],
])('%s is refused, with where it is wrong', async (_, body, pointer) => {
  const { errors } = await problem(await api.post(body), 400);
  expect(errors).toContainEqual({ pointer, detail: expect.any(String) });
});

test('10,001 items are refused', async () => {
  await problem(
    await api.post({ user_id: 'u1', items: ids(10_001).map((product_id) => ({ product_id, quantity: 1 })) }),
    413,
  );
});

test('of a body that is wrong everywhere, not everything is told', async () => {
  const { errors } = await problem(await api.post({ user_id: 'u1', product_ids: Array(1_000).fill('a b') }), 400);
  expect(errors).toHaveLength(50);
});

test.each(['{', '', '"text"', '1', '{"user_id":"u1",}', '{"a":1}}', '\u0000'])('%j is no JSON object', async (text) => {
  await problem(await api.post(text), 400);
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/jsonx',
  'application/json;charset=latin9',
  '',
])('the content type %j is refused', async (type) => {
  await problem(await api.post(order, { 'content-type': type }), 415);
});

test('a body of 5 MB is refused, and so is one that unpacks to that', async () => {
  const large = JSON.stringify({ ...order, payment_token: 'x'.repeat(5_000_000) });
  const packed = { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } };
  for (const response of [await api.post(large), await api.fetch('/orders', { ...packed, body: gzipSync(large) })])
    expect((await problem(response, 413)).type).toBe('urn:order-events:problem:entity-too-large');
});

test('an unknown encoding of the body is refused', async () => {
  await problem(await api.post(order, { 'content-encoding': 'zstd' }), 415);
});

test.each([
  '',
  '""',
  ' ',
  'two words',
  '"',
  '"half',
  'a"b',
  'ä',
  'x'.repeat(256),
  `"${'x'.repeat(256)}"`,
  '"a", "b"',
  '"\\x"',
])('the key %j is malformed', async (key) => {
  const { type } = await problem(await api.post(order, { 'idempotency-key': key }), 400);
  expect(type).toBe('urn:order-events:problem:invalid-idempotency-key');
});

test.each([
  [{ user_id: 'u1', product_ids: ['nothing'] }, 'unknown-product'],
  [{ user_id: 'u1', product_ids: ['prod1', 'dollars'] }, 'mixed-currencies'],
  [{ user_id: 'u1', items: [{ product_id: 'precious', quantity: 2 }] }, 'total-too-large'],
])('%j cannot be placed: %s', async (body, kind) => {
  await api.sql(
    `INSERT INTO products VALUES ('dollars', 'D', 1, 'USD'), ('precious', 'P', 9007199254740991, 'EUR') ON CONFLICT DO NOTHING`,
  );
  expect((await problem(await api.post(body), 422)).type).toBe(`urn:order-events:problem:${kind}`);
});

test.each([
  '/nothing',
  '/orders/no-such-order',
  '/orders/a%20b',
  '/orders/%00',
  `/orders/${'x'.repeat(200)}`,
  '/orders/a/b',
  '/products/nothing',
  '/products/a%00b',
])('there is nothing at %s', async (path) => {
  await problem(await api.fetch(path), 404);
});

test('a path that cannot be decoded is refused', async () => {
  await problem(await api.fetch('/orders/%ff'), 400);
});

test.each([
  ['DELETE', '/orders', 'GET, HEAD, POST'],
  ['PUT', '/orders/o1', 'GET, HEAD'],
  ['GET', '/orders/o1/cancel', 'POST'],
  ['POST', '/products', 'GET, HEAD'],
  ['PATCH', '/products/prod1', 'GET, HEAD'],
  ['POST', '/healthz', 'GET, HEAD'],
])('%s %s is not possible', async (method, path, allow) => {
  const response = await api.fetch(path, { method });
  expect(response.headers.get('allow')).toBe(allow);
  await problem(response, 405);
});

test.each([
  '/orders?limit=0',
  '/orders?limit=101',
  '/orders?limit=x',
  '/orders?status=lost',
  '/orders?user_id=a%20b',
  '/orders?user_id=a&user_id=b',
  '/orders?user=a',
  '/orders?cursor=nonsense',
  `/orders?cursor=${Buffer.from('{"placed_at":"x","order_id":"o1"}').toString('base64url')}`,
  '/products?cursor=%00',
])('%s is refused', async (path) => {
  const { errors } = await problem(await api.fetch(path), 400);
  expect(errors).toHaveLength(1);
});
