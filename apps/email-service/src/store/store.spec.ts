import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, type TestDatabase } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { blankMails, tables, type Mails } from '../domain';
import { entities, MailsEntity } from './entities';
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

beforeEach(() => source.query('TRUNCATE mails'));

afterAll(async () => {
  await Promise.all([store.close(), source.destroy()]);
  await database.drop();
  expect(errors).toEqual([]);
});

const full: Mails = {
  order_id: 'o1',
  version: 5,
  recipient: 'a@example.com',
  received: 'sent',
  confirmed: 'skipped',
  completed: null,
  cancelled: 'queued',
};

const lock = (order_id: string) => store.transact((tx) => tx.lock(tables, { mails: [order_id] }));
const write = (row: Mails) =>
  store.transact(async (tx) => {
    await tx.lock(tables, { mails: [row.order_id] });
    await tx.write(tables, { mails: [row] });
  });

test('a row that is made by locking it is the blank one', async () => {
  expect((await lock('o1')).mails.get('o1')).toEqual(blankMails('o1'));
});

test('a row comes back as it was written, from a decision and as an entity', async () => {
  await write(full);
  expect((await lock('o1')).mails.get('o1')).toEqual(full);
  expect(await source.getRepository(MailsEntity).findOneByOrFail({ order_id: 'o1' })).toEqual(full);
});

test.each<[string, Partial<Mails>]>([['an unknown state of a mail', { completed: 'lost' as never }]])(
  'the database refuses %s',
  async (_, wrong) => {
    await expect(write({ ...full, ...wrong })).rejects.toMatchObject({ name: 'StoreError', kind: 'rejected' });
  },
);
