import { openServiceDatabase, orderTableContract } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { database } from '../../test/database';
import { tables, type Reservation } from '../domain';
import { entities, ReservationEntity, StockEntity } from './entities';
import { seed } from './seed';

const own = openServiceDatabase(database, tables, (url) => new DataSource({ type: 'postgres', url, entities }));

orderTableContract<Reservation>(own, {
  table: tables.reservations,
  full: {
    order_id: 'o1',
    version: 2,
    state: 'sold',
    items: [{ product_id: 'apple', quantity: 2 }],
  },
  entity: (order_id) => own.source.getRepository(ReservationEntity).findOneByOrFail({ order_id }),
  refused: [
    ['an unknown state', { state: 'lost' as never }],
    ['a reservation of nothing', { state: 'reserved', items: [] }],
  ],
});

describe('stock', () => {
  beforeEach(() => own.source.query(`INSERT INTO stock (product_id, available) VALUES ('apple', 1000000000)`));

  test('only what exists is locked, and comes back as it was written', async () => {
    const written = { product_id: 'apple', version: 1, available: 2_000_000_000, reserved: 3_000_000_000, sold: 1 };
    await own.store.transact(async (tx) => {
      const { stock } = await tx.lock(tables, { stock: ['apple', 'unknown'] });
      expect([...stock.values()]).toEqual([
        { product_id: 'apple', version: 0, available: 1_000_000_000, reserved: 0, sold: 0 },
      ]);
      await tx.write(tables, { stock: [written] });
    });
    expect(await own.source.getRepository(StockEntity).find()).toEqual([written]);
  });

  test.each(['available', 'reserved', 'sold'])('the database refuses that less than nothing is %s', async (place) => {
    const negative = { product_id: 'apple', version: 1, available: 0, reserved: 0, sold: 0, [place]: -1 };
    const attempt = own.store.transact((tx) => tx.write(tables, { stock: [negative] }));
    await expect(attempt).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
  });
});

test('the seed fills empty shelves once, and leaves the others as they are', async () => {
  await own.source.query(`INSERT INTO stock (product_id, available) VALUES ('prod1', 5)`);
  await own.store.database.transact(seed);
  await own.store.database.transact(seed);
  const stock = await own.source.getRepository(StockEntity).find({ order: { product_id: 'ASC' } });
  expect(stock.map(({ product_id, available }) => [product_id, available])).toEqual([
    ['prod-scarce', 1],
    ['prod1', 5],
    ...[2, 3, 4, 5, 6].map((number) => [`prod${number}`, 1_000_000_000]),
  ]);
});
