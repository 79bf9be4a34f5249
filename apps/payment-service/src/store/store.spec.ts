import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, type TestDatabase } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { blankPayment, tables, type Payment } from '../domain';
import { entities, PaymentEntity } from './entities';
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

beforeEach(() => source.query('TRUNCATE payments'));

afterAll(async () => {
  await Promise.all([store.close(), source.destroy()]);
  await database.drop();
  expect(errors).toEqual([]);
});

const full: Payment = {
  order_id: 'o1',
  version: 7,
  state: 'refunded',
  cancelled: true,
  capture_wanted: true,
  amount: 9_007_199_254_740_991,
  currency: 'EUR',
  authorization_id: 'a1',
  capture_id: 'c1',
  refund_id: 'r1',
  reason: null,
};

const lock = (order_id: string) => store.transact((tx) => tx.lock(tables, { payments: [order_id] }));
const write = (row: Payment) =>
  store.transact(async (tx) => {
    await tx.lock(tables, { payments: [row.order_id] });
    await tx.write(tables, { payments: [row] });
  });

test('a row that is made by locking it is the blank one', async () => {
  expect((await lock('o1')).payments.get('o1')).toEqual(blankPayment('o1'));
});

test('a row comes back as it was written, from a decision and as an entity', async () => {
  await write(full);
  expect((await lock('o1')).payments.get('o1')).toEqual(full);
  expect(await source.getRepository(PaymentEntity).findOneByOrFail({ order_id: 'o1' })).toEqual(full);
});

test.each<[string, Partial<Payment>]>([
  ['an unknown state', { state: 'lost' as never }],
  ['a negative amount', { amount: -1 }],
  ['an authorisation without its id', { state: 'authorized', authorization_id: null }],
  ['a capture without its id', { state: 'captured', capture_id: null }],
  ['a refund without its id', { refund_id: null }],
  ['a refusal without a reason', { state: 'capture_failed' }],
  ['money that goes back for an order that is not cancelled', { cancelled: false }],
])('the database refuses %s', async (_, wrong) => {
  await expect(write({ ...full, ...wrong })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
});
