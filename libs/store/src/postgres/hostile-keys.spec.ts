import { randomBytes } from 'node:crypto';
import { idOfBytes, Pipeline, systemRuntime, tenTries, type Observer } from '@order-events/messaging';
import { OutboxDatabase } from '../../test/outbox-database';

const observer = new Proxy({} as Observer, { get: () => () => undefined });

let database: OutboxDatabase;
beforeEach(async () => (database = await OutboxDatabase.create()));
afterEach(() => database.close());

test.each([
  ['longer than an index entry can be', randomBytes(3000).toString('base64')],
  ['of long characters', '\u{1f600}'.repeat(5000)],
  ['cut in the midst of a character', `a${'\u{1f600}'.repeat(500)}`],
  ['with what is no text for Postgres', 'a\0b'],
])('garbage with a key %s is a dead letter, and holds up nothing', async (_, key) => {
  const store = database.store();
  const consumer = { group: 'g', source: '/x', maxEventBytes: 1e6, tables: {}, handlers: new Map(), retry: tenTries };
  const pipeline = new Pipeline({ consumer, store, runtime: systemRuntime, observer });
  const batch = [key, 'k'].map((one) => ({ topic: 'order.created', key: one, headers: {}, body: Buffer.from(one) }));
  await pipeline.handle(batch);
  const ids = batch.map(idOfBytes);
  expect(await store.transact((tx) => tx.held('g', ids))).toEqual(new Map(ids.map((id) => [id, 'dead'])));
});
