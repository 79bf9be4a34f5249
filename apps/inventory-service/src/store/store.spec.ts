import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, type TestDatabase } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { blankReservation, tables, type Reservation } from '../domain';
import { entities, ReservationEntity, StockEntity } from './entities';
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

beforeEach(() => source.query('TRUNCATE reservations, stock'));

afterAll(async () => {
  await Promise.all([store.close(), source.destroy()]);
  await database.drop();
  expect(errors).toEqual([]);
});

const full: Reservation = {
  order_id: 'o1',
  version: 2,
  state: 'sold',
  items: [{ product_id: 'apple', quantity: 2 }],
};

const lock = (order_id: string) => store.transact((tx) => tx.lock(tables, { reservations: [order_id] }));
const write = (row: Reservation) =>
  store.transact(async (tx) => {
    await tx.lock(tables, { reservations: [row.order_id] });
    await tx.write(tables, { reservations: [row] });
  });

test('a row that is made by locking it is the blank one', async () => {
  expect((await lock('o1')).reservations.get('o1')).toEqual(blankReservation('o1'));
});

test('a row comes back as it was written, from a decision and as an entity', async () => {
  await write(full);
  expect((await lock('o1')).reservations.get('o1')).toEqual(full);
  expect(await source.getRepository(ReservationEntity).findOneByOrFail({ order_id: 'o1' })).toEqual(full);
});

test.each<[string, Partial<Reservation>]>([
  ['an unknown state', { state: 'lost' as never }],
  ['a reservation of nothing', { state: 'reserved', items: [] }],
])('the database refuses %s', async (_, wrong) => {
  await expect(write({ ...full, ...wrong })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
});

describe('stock', () => {
  beforeEach(() => source.query(`INSERT INTO stock (product_id, available) VALUES ('apple', 1000000000)`));

  test('only what exists is locked, and comes back as it was written', async () => {
    const written = { product_id: 'apple', version: 1, available: 2_000_000_000, reserved: 3_000_000_000, sold: 1 };
    await store.transact(async (tx) => {
      const { stock } = await tx.lock(tables, { stock: ['apple', 'unknown'] });
      expect([...stock.values()]).toEqual([
        { product_id: 'apple', version: 0, available: 1_000_000_000, reserved: 0, sold: 0 },
      ]);
      await tx.write(tables, { stock: [written] });
    });
    expect(await source.getRepository(StockEntity).find()).toEqual([written]);
  });

  test.each(['available', 'reserved', 'sold'])('the database refuses that less than nothing is %s', async (place) => {
    const negative = { product_id: 'apple', version: 1, available: 0, reserved: 0, sold: 0, [place]: -1 };
    const attempt = store.transact((tx) => tx.write(tables, { stock: [negative] }));
    await expect(attempt).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
  });
});

test('the seed fills empty shelves once, and leaves the others as they are', async () => {
  await source.query(`INSERT INTO stock (product_id, available) VALUES ('prod1', 5)`);
  await store.database.transact(seed);
  await store.database.transact(seed);
  const stock = await source.getRepository(StockEntity).find({ order: { product_id: 'ASC' } });
  expect(stock.map(({ product_id, available }) => [product_id, available])).toEqual([
    ['prod-scarce', 1],
    ['prod1', 5],
    ...[2, 3, 4, 5, 6].map((number) => [`prod${number}`, 1_000_000_000]),
  ]);
});
