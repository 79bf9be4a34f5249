import { randomUUID } from 'node:crypto';
import { message } from '@order-events/testing';
import { OutboxDatabase } from '../../test/outbox-database';

let database: OutboxDatabase;
beforeEach(async () => (database = await OutboxDatabase.create()));
afterEach(() => database.close());

test('nothing is kept of an event that one process failed at while another applied it', async () => {
  const [one, other] = [database.store(), database.store()];
  const event = { id: randomUUID(), topic: 'order.created', key: 'k' };
  const failure = { message: message(), error: 'Error: not now', attempts: 1, delayMs: 3_600_000 };
  await one.transact(async (tx) => {
    expect(await tx.held('g', [event.id])).toEqual(new Map());
    await other.transact((theirs) => theirs.take('g', [{ ...event, state: 'retrying', failure }]));
    await tx.take('g', [{ ...event, state: 'applied' }]);
  });
  expect(await one.operatorReads.unfinished()).toEqual({ retrying: 0, dead: 0, effects: 0 });
});
