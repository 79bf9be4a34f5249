import { randomUUID } from 'node:crypto';
import {
  encode,
  Pipeline,
  systemRuntime,
  tenTries,
  type EventHandler,
  type InboxEntry,
  type Observer,
} from '@order-events/messaging';
import { counters } from '@order-events/testing';
import { OutboxDatabase } from '../../test/outbox-database';

type Counters = typeof counters;
let outbox: OutboxDatabase;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
});
afterEach(() => outbox.close());

/** A pipeline that counts, and does not before it is told to. */
function counting(store = outbox.store()) {
  let go = () => {};
  let reached = () => {};
  const told = new Promise<void>((resolve) => (go = resolve));
  const deciding = new Promise<void>((resolve) => (reached = resolve));
  const handler: EventHandler<Counters, 'inventory.reserved'> = {
    topic: 'inventory.reserved',
    keys: ({ subject }) => ({ counters: [subject] }),
    async decide(rows, { subject }) {
      reached();
      await told;
      const row = rows.counters.get(subject)!;
      return { rows: { counters: [{ ...row, version: row.version + 1, count: row.count + 1 }] } };
    },
  };
  const handlers = new Map([[handler.topic, handler]]);
  const consumer = { group: 'g', source: '/test', maxEventBytes: 1_000, tables: counters, handlers, retry: tenTries };
  const outcomes: string[] = [];
  const observer = { handled: (_, outcome) => void outcomes.push(outcome), held: () => {} } as Partial<Observer>;
  const shared = { store, runtime: systemRuntime, observer: observer as Observer };
  return { pipeline: new Pipeline({ consumer, ...shared }), deciding, go, outcomes };
}

/** An event that is to be tried again, and has been tried already. */
function tried(id: string, failure: { attempts: number; crashes?: number }) {
  const event = { type: 'inventory.reserved', subject: 'o1', sequence: 1, data: { order_id: 'o1' } } as const;
  const { topic, key, headers, body } = encode(event, id, { source: '/inventory' });
  const failed = { message: { topic, key, headers, body }, error: 'Error: no', ...failure };
  const retrying: InboxEntry = { id, topic, key, state: 'retrying', failure: { ...failed, delayMs: 0 } };
  return { retrying, failed };
}

test('what an operator has given up for good is not applied by whoever still has it in hand', async () => {
  const id = randomUUID();
  const { retrying, failed } = tried(id, { attempts: 9 });
  const { pipeline, deciding, go, outcomes } = counting();
  const other = outbox.store();
  await other.transact((tx) => tx.take('g', [retrying]));
  const retried = pipeline.retryDue();
  await deciding;
  // Due again meanwhile, it has failed for the last time elsewhere.
  await other.transact((tx) => tx.take('g', [{ ...retrying, state: 'dead', failure: failed }]));
  const discarded = await other.deadLetters.discard({ id }, { actor: 'ann', reason: 'done by hand', limit: 1 });
  expect(discarded).toBe(1);
  go();
  await retried;
  expect(outcomes).toEqual(['duplicate']);
  expect(await other.transact((tx) => tx.held('g', [id]))).toEqual(new Map([[id, 'discarded']]));
  expect(await outbox.sql('SELECT count FROM counters WHERE count > 0')).toEqual([]);
});

test('what is applied by whoever still has it in hand is no dead letter for another, and nobody is told that it is', async () => {
  const id = randomUUID();
  const { retrying } = tried(id, { attempts: 3, crashes: 3 });
  const other = outbox.store();
  const store = outbox.store();
  const { transact } = store;
  // A try that was taken for ended with its process ends well, after it was seen that the event still waits.
  jest.spyOn(store, 'transact').mockImplementation((work) =>
    transact.call(store, (tx, session) => {
      const { take } = tx;
      tx.take = async (group, entries) => {
        await other.transact((theirs) => theirs.take(group, [{ ...retrying, state: 'applied', failure: undefined }]));
        await take.call(tx, group, entries);
      };
      return work(tx, session);
    }),
  );
  const { pipeline, outcomes } = counting(store);
  await other.transact((tx) => tx.take('g', [retrying]));
  expect(await pipeline.retryDue()).toBe(1);
  expect(await other.transact((tx) => tx.held('g', [id]))).toEqual(new Map([[id, 'applied']]));
  expect(outcomes).toEqual(['duplicate']);
  expect(await outbox.sql('SELECT topic FROM outbox')).toEqual([]);
});
