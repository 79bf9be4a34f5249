import { openServiceDatabase } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { database } from '../../test/database';
import { place, tables, type Order } from '../domain';
import { entities, OrderEntity, ProductEntity } from './entities';
import { seed } from './seed';

const own = openServiceDatabase(database, tables, (url) => new DataSource({ type: 'postgres', url, entities }));
beforeEach(() => own.source.query('TRUNCATE products'));

const { order: placed } = place(
  { order_id: 'o1', user_id: 'u1', items: [{ product_id: 'apple', quantity: 2, unit_price: 100 }], currency: 'EUR' },
  1_700_000_000,
);
const completed: Order = {
  ...placed,
  version: 5,
  status: 'completed',
  total: 9_007_199_254_740_991,
  email: 'a@example.com',
  shipping_address: { street: 'Main Street 1', city: 'Springfield' },
  payment_token: 'tok_of_customer',
  inventory: 'reserved',
  payment: 'captured',
  carrier: 'Parcels',
  tracking_number: 't1',
  deadline: 900,
};

/** Inserts an order as the door does: by its columns. */
const insert = (order: Order) => own.source.getRepository(OrderEntity).insert(order);
const lock = (order_id: string) => own.store.transact((tx) => tx.lock(tables, { orders: [order_id] }));
const write = (order: Order) => own.store.transact((tx) => tx.write(tables, { orders: [order] }));

test('an order that does not exist is not made by locking it', async () => {
  expect((await lock('o1')).orders.size).toBe(0);
});

test.each([
  ['placed', placed],
  ['completed', completed],
])('a %s order comes back as it was written, from a decision and as an entity', async (_, order) => {
  await insert(placed);
  await write(order);
  expect((await lock('o1')).orders.get('o1')).toEqual(order);
  expect(await own.source.getRepository(OrderEntity).findOneByOrFail({ order_id: 'o1' })).toEqual(order);
});

test.each<[string, Partial<Order>]>([
  ['an unknown status', { status: 'lost' as never }],
  ['an order of nothing', { items: [] }],
  ['a negative total', { total: -1 }],
  ['a cancelled order without a reason', { status: 'cancelled' }],
  ['a reason to cancel an order that is not cancelled', { cancel_reason: 'expired' }],
  ['an order that went on without its goods', { inventory: null }],
  ['a confirmed order that is not authorised', { status: 'confirmed', payment: null }],
  ['a paid order whose money is not there', { status: 'paid', payment: null }],
  ['a completed order that nobody carries', { carrier: null }],
])('the database refuses %s', async (_, wrong) => {
  await insert(placed);
  await expect(write({ ...completed, ...wrong })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
});

test('history is added to, one line a version, and the database says when', async () => {
  const line = { order_id: 'o1', version: 1, event: 'order.created', status: 'pending', detail: { any: 1 } } as const;
  const add = () => own.store.transact((tx) => tx.write(tables, { order_history: [line] }));
  await add();
  expect(await own.source.query('SELECT * FROM order_history')).toEqual([{ ...line, at: expect.any(Date) }]);
  await expect(add()).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
});

test('a stored answer comes back as it was given, its fields in their order', async () => {
  const answer = { status: 'pending', order_id: 'o1', currency: 'EUR' };
  await own.source.query(
    `INSERT INTO idempotency_keys (caller, key, fingerprint, order_id, status_code, body) VALUES ('c', 'k', 'f', 'o1', 201, $1)`,
    [JSON.stringify(answer)],
  );
  const [row] = await own.source.query('SELECT body::text FROM idempotency_keys');
  expect(row.body).toBe(JSON.stringify(answer));
});

test.each([
  [
    'orders_of_user',
    `user_id = 'u1' AND (placed_at, order_id) < (1700000000, 'o9') ORDER BY placed_at DESC, order_id DESC LIMIT 50`,
  ],
  [
    'orders_in_status',
    `status = 'pending' AND (placed_at, order_id) < (1700000000, 'o9') ORDER BY placed_at DESC, order_id DESC LIMIT 50`,
  ],
  ['orders_with_deadline', `deadline <= 900 ORDER BY deadline LIMIT 50`],
  [
    'orders_without_deadline',
    `deadline IS NULL AND status IN ('pending', 'confirmed', 'paid') ORDER BY placed_at LIMIT 50`,
  ],
])('%s serves its query without reading or sorting the rest', async (index, condition) => {
  const plan = await own.store.database.transact(async (session) => {
    await session.query('SET LOCAL enable_seqscan = off');
    await session.query('SET LOCAL enable_bitmapscan = off');
    return session.query<{ 'QUERY PLAN': string }>(`EXPLAIN SELECT * FROM orders WHERE ${condition}`);
  });
  const text = plan.map((line) => line['QUERY PLAN']).join('\n');
  expect(text).toContain(`Index Scan using ${index} `);
  expect(text).not.toContain('Sort');
});

test('there is one deadline clock, and it starts at zero', async () => {
  expect(await own.source.query('SELECT id, seconds::integer FROM deadline_clock')).toEqual([{ id: 1, seconds: 0 }]);
  await expect(own.source.query('INSERT INTO deadline_clock (id, seconds) VALUES (2, 0)')).rejects.toThrow('check');
});

test('the seed fills the catalogue once, and leaves what is there as it is', async () => {
  const changed = { product_id: 'prod1', name: 'Better product', price: 5, currency: 'USD' };
  await own.source.getRepository(ProductEntity).insert(changed);
  await own.store.database.transact(seed);
  await own.store.database.transact(seed);
  const products = await own.source.getRepository(ProductEntity).find({ order: { product_id: 'ASC' } });
  expect(products.map(({ product_id }) => product_id)).toEqual([
    'prod-scarce',
    ...[1, 2, 3, 4, 5, 6].map((number) => `prod${number}`),
  ]);
  for (const product of products)
    expect(product).toEqual(product.product_id === 'prod1' ? changed : { ...product, price: 1000, currency: 'EUR' });
});
