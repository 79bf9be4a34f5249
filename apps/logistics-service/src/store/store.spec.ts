import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, type TestDatabase } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { blankShipment, tables, type Shipment } from '../domain';
import { entities, ShipmentEntity } from './entities';
import { migrations } from './migrations';

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

beforeEach(() => source.query('TRUNCATE shipments'));

afterAll(async () => {
  await Promise.all([store.close(), source.destroy()]);
  await database.drop();
  expect(errors).toEqual([]);
});

const full: Shipment = {
  order_id: 'o1',
  version: 3,
  state: 'dispatched',
  items: [{ product_id: 'apple', quantity: 2 }],
  address: { street: 'Main Street 1', city: 'Springfield' },
  carrier: 'Parcels',
  tracking_number: 't1',
  reason: null,
};

const lock = (order_id: string) => store.transact((tx) => tx.lock(tables, { shipments: [order_id] }));
const write = (row: Shipment) =>
  store.transact(async (tx) => {
    await tx.lock(tables, { shipments: [row.order_id] });
    await tx.write(tables, { shipments: [row] });
  });

test('a row that is made by locking it is the blank one', async () => {
  expect((await lock('o1')).shipments.get('o1')).toEqual(blankShipment('o1'));
});

test('a row comes back as it was written, from a decision and as an entity', async () => {
  await write(full);
  expect((await lock('o1')).shipments.get('o1')).toEqual(full);
  expect(await source.getRepository(ShipmentEntity).findOneByOrFail({ order_id: 'o1' })).toEqual(full);
});

test.each<[string, Partial<Shipment>]>([
  ['an unknown state', { state: 'lost' as never }],
  ['a parcel without a carrier', { carrier: null }],
  ['a parcel without a tracking number', { tracking_number: null }],
  ['a failure without a reason', { state: 'failed' }],
])('the database refuses %s', async (_, wrong) => {
  await expect(write({ ...full, ...wrong })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
});
