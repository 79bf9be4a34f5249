import { entry } from '@order-events/testing';
import { drain, OutboxDatabase } from '../../test/outbox-database';

let database: OutboxDatabase;
beforeEach(async () => (database = await OutboxDatabase.create()));
afterEach(() => database.close());

test('a page with two copies of one event, both refused, does not stop the relay', async () => {
  const store = database.store();
  await store.wait('outbox', 600_000, new AbortController().signal);
  const event = entry('k');
  await store.transact((tx) => tx.append([event]));
  // What `publishRefused` does when an operator has brought it back.
  await store.transact((tx) => tx.append([event, entry('behind')]));
  const relay = store.outbox();
  expect(await relay.lease(600_000)).toBe(true);
  // Read again from the beginning after a restore; the broker of today takes less than that of yesterday.
  const page = await relay.page(10);
  const copies = page.filter(({ id }) => id === event.id);
  expect(copies).toHaveLength(2);
  await relay.commit(copies.map((record) => ({ record, error: 'too large' })));
  expect(await drain(relay)).toEqual([]);
});

test('a record that was published after all and is refused later is a dead letter, not silence', async () => {
  const store = database.store();
  await store.wait('outbox', 600_000, new AbortController().signal);
  const { id, ...message } = entry('k');
  const failure = { message, error: 'too large', attempts: 1, delayMs: 0 };
  // Refused, brought back, published by publishRefused, and standing in the outbox anew.
  await store.transact((tx) => tx.take('relay', [{ id, topic: message.topic, key: 'k', state: 'retrying', failure }]));
  await store.transact(async (tx) => {
    await tx.take('relay', [{ id, topic: message.topic, key: 'k', state: 'applied', retried: true }]);
    await tx.append([{ id, ...message }]);
  });
  const relay = store.outbox();
  expect(await relay.lease(600_000)).toBe(true);
  const [record] = await relay.page(10);
  // Another nsqd, another limit, another broker after a restore.
  await relay.commit([{ record: record!, error: 'too large' }]);
  const held = await store.transact((tx) => tx.held('relay', [id]));
  expect(held.get(id)).toBe('dead');
});
