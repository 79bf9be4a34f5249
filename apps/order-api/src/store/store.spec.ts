import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, type TestDatabase } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { place, tables, type Order } from '../domain';
import { entities, HistoryLineEntity, OrderEntity, ProductEntity } from './entities';
import { migrations } from './migrations';
import { seed } from './seed';

let database: TestDatabase;
let store: PostgresStore;
let source: DataSource;
const errors: Error[] = [];

beforeAll(async () => {
  database = await testDatabase();
  const { url } = database;
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [SharedTables1790000000000, ...migrations] });
  const onError = (error: Error) => errors.push(error);
  store = new PostgresStore({ url, connections: 2, applicationName: 'test', onError });
  source = await new DataSource({ type: 'postgres', url, entities }).initialize();
});

beforeEach(() => source.query('TRUNCATE orders, order_history, products'));

afterAll(async () => {
  await Promise.all([store.close(), source.destroy()]);
  await database.drop();
  expect(errors).toEqual([]);
});

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
const insert = (order: Order) => source.getRepository(OrderEntity).insert(order);
const lock = (order_id: string) => store.transact((tx) => tx.lock(tables, { orders: [order_id] }));
const write = (order: Order) => store.transact((tx) => tx.write(tables, { orders: [order] }));

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
  expect(await source.getRepository(OrderEntity).findOneByOrFail({ order_id: 'o1' })).toEqual(order);
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
  const add = () => store.transact((tx) => tx.write(tables, { order_history: [line] }));
  await add();
  expect(await source.getRepository(HistoryLineEntity).find()).toEqual([{ ...line, at: expect.any(Date) }]);
  await expect(add()).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
});

test('a stored answer comes back as it was given, its fields in their order', async () => {
  const answer = { status: 'pending', order_id: 'o1', currency: 'EUR' };
  await source.query(
    `INSERT INTO idempotency_keys (caller, key, fingerprint, order_id, status_code, body) VALUES ('c', 'k', 'f', 'o1', 201, $1)`,
    [JSON.stringify(answer)],
  );
  const [row] = await source.query('SELECT body::text FROM idempotency_keys');
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
  const plan = await store.database.transact(async (session) => {
    await session.query('SET LOCAL enable_seqscan = off');
    await session.query('SET LOCAL enable_bitmapscan = off');
    return session.query<{ 'QUERY PLAN': string }>(`EXPLAIN SELECT * FROM orders WHERE ${condition}`);
  });
  const text = plan.map((line) => line['QUERY PLAN']).join('\n');
  expect(text).toContain(`Index Scan using ${index} `);
  expect(text).not.toContain('Sort');
});

test('there is one deadline clock, and it starts at zero', async () => {
  expect(await source.query('SELECT id, seconds::integer FROM deadline_clock')).toEqual([{ id: 1, seconds: 0 }]);
  await expect(source.query('INSERT INTO deadline_clock (id, seconds) VALUES (2, 0)')).rejects.toThrow('check');
});

test('the seed fills the catalogue once, and leaves what is there as it is', async () => {
  const changed = { product_id: 'prod1', name: 'Better product', price: 5, currency: 'USD' };
  await source.getRepository(ProductEntity).insert(changed);
  await store.database.transact(seed);
  await store.database.transact(seed);
  const products = await source.getRepository(ProductEntity).find({ order: { product_id: 'ASC' } });
  expect(products.map(({ product_id }) => product_id)).toEqual([
    'prod-scarce',
    ...[1, 2, 3, 4, 5, 6].map((number) => `prod${number}`),
  ]);
  for (const product of products)
    expect(product).toEqual(product.product_id === 'prod1' ? changed : { ...product, price: 1000, currency: 'EUR' });
});
