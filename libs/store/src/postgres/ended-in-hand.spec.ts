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
function counting() {
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
  const shared = { store: outbox.store(), runtime: systemRuntime, observer: observer as Observer };
  return { pipeline: new Pipeline({ consumer, ...shared }), deciding, go, outcomes };
}

test('what an operator has given up for good is not applied by whoever still has it in hand', async () => {
  const id = randomUUID();
  const event = { type: 'inventory.reserved', subject: 'o1', sequence: 1, data: { order_id: 'o1' } } as const;
  const { topic, key, headers, body } = encode(event, id, { source: '/inventory' });
  const failure = { message: { topic, key, headers, body }, error: 'Error: no', attempts: 9 };
  const retrying: InboxEntry = { id, topic, key, state: 'retrying', failure: { ...failure, delayMs: 0 } };
  const { pipeline, deciding, go, outcomes } = counting();
  const other = outbox.store();
  await other.transact((tx) => tx.take('g', [retrying]));
  const retried = pipeline.retryDue();
  await deciding;
  // Due again meanwhile, it has failed for the last time elsewhere.
  await other.transact((tx) => tx.take('g', [{ ...retrying, state: 'dead', failure }]));
  const discarded = await other.deadLetters.discard({ id }, { actor: 'ann', reason: 'done by hand', limit: 1 });
  expect(discarded).toBe(1);
  go();
  await retried;
  expect(outcomes).toEqual(['duplicate']);
  expect(await other.transact((tx) => tx.held('g', [id]))).toEqual(new Map([[id, 'discarded']]));
  expect(await outbox.sql('SELECT count FROM counters WHERE count > 0')).toEqual([]);
});
