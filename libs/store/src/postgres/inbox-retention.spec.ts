import { randomUUID } from 'node:crypto';
import type { InboxEntry } from '@order-events/messaging';
import { applied, retrying } from '@order-events/testing';
import { idOfDay, partitionOf, partitions } from '../../test/old-days';
import { OutboxDatabase } from '../../test/outbox-database';
import type { PostgresStore } from './store';

const GROUP = 'g';
let database: OutboxDatabase;
let store: PostgresStore;
beforeEach(async () => {
  database = await OutboxDatabase.create();
  store = database.store();
});
afterEach(() => database.close());

const take = (...entries: InboxEntry[]) => store.transact((tx) => tx.take(GROUP, entries));
const held = (...ids: string[]) => store.transact((tx) => tx.held(GROUP, ids));
const dead = (id: string) => ({ ...retrying(id, 0), state: 'dead' as const });
/** As if it had come into its state so many days ago. */
const age = (id: string, days: number) =>
  database.sql(`UPDATE inbox SET at = clock_timestamp() - $2 * interval '1 day' WHERE id = $1`, [id, days]);
const failures = async () =>
  (await database.sql<{ id: string }>('SELECT id FROM failures ORDER BY id')).map(({ id }) => id);

test('a day is forgotten when all ids of it are older than is kept, and then whatever comes of it is too old', async () => {
  const [old, young] = [await partitionOf(database, 'inbox', 23), await partitionOf(database, 'inbox', 20)];
  const [gone, never, kept, new_] = [idOfDay(23), idOfDay(23, 1), idOfDay(20.5), idOfDay(20.5, 1)];
  await take(applied(gone), applied(kept));
  expect(await held(gone, never, kept, new_)).toEqual(new Map([gone, kept].map((id) => [id, 'applied'])));
  expect(await store.inboxRetention.forget(21)).toEqual({ dropped: [old], kept: [] });
  expect(await partitions(database, 'inbox')).toContain(young);
  expect(await held(gone, never, kept, new_)).toEqual(
    new Map([
      [gone, 'forgotten'],
      [never, 'forgotten'],
      [kept, 'applied'],
    ]),
  );
  // What is once forgotten does not become known by keeping things longer.
  expect(await store.inboxRetention.forget(30)).toEqual({ dropped: [], kept: [] });
  expect((await held(never)).get(never)).toBe('forgotten');
});

test('a day is kept while an event of it is still to be tried, or to be decided about, or shown', async () => {
  const old = await partitionOf(database, 'inbox', 30);
  const [failing, letter, discarded] = [idOfDay(30), idOfDay(30, 1), idOfDay(30, 2)];
  await take(retrying(failing, 0), dead(letter), dead(discarded));
  await store.deadLetters.discard({ id: discarded }, { limit: 1, actor: 'ann', reason: 'a test' });
  expect(await store.inboxRetention.forget(21)).toEqual({
    dropped: [],
    kept: [{ name: old, kept_for: 'dead, discarded, retrying' }],
  });
  expect(await store.dueRetries(GROUP, 10)).toMatchObject([{ id: failing }]);
  await take({ ...applied(failing), retried: true });
  for (const id of [letter, discarded]) await age(id, 15);
  expect(await store.inboxRetention.expireDeadLetters(14)).toMatchObject([
    { id: letter, consumer_group: GROUP, key: 'k' },
  ]);
  expect(await held(letter, discarded)).toEqual(
    new Map([
      [letter, 'expired'],
      [discarded, 'discarded'],
    ]),
  );
  expect(await store.inboxRetention.forget(21)).toEqual({ dropped: [old], kept: [] });
});

test('dead letters are given up when they have been dead for too long, however old they are themselves', async () => {
  const [old, young, failing] = [idOfDay(3), idOfDay(20), idOfDay(3, 1)];
  await take(dead(old), dead(young), retrying(failing, 3_600_000));
  for (const id of [old, failing]) await age(id, 15);
  await age(young, 13);
  expect((await store.inboxRetention.expireDeadLetters(14)).map(({ id }) => id)).toEqual([old]);
  expect(await failures()).toEqual([young, failing]);
  expect(await store.inboxRetention.expireDeadLetters(14)).toEqual([]);
  expect(await store.deadLetters.redrive({}, { limit: 10, actor: 'ann', reason: 'mended' })).toBe(1);
});

test('more letters than fit into one transaction are all given up', async () => {
  await take(...Array.from({ length: 1_100 }, () => dead(randomUUID())));
  await database.sql(`UPDATE inbox SET at = at - interval '15 days'`);
  expect(await store.inboxRetention.expireDeadLetters(14)).toHaveLength(1_100);
  expect(await failures()).toEqual([]);
});

test('an id that tells no time is forgotten by when it came; of one that does, only when it is too old', async () => {
  const [timeless, recent, ahead, late, letter] = [randomUUID(), randomUUID(), idOfDay(-60), idOfDay(60), randomUUID()];
  await take(applied(timeless), applied(recent), applied(ahead), applied(late), dead(letter));
  for (const id of [timeless, ahead, late, letter]) await age(id, 22);
  await store.inboxRetention.forget(21);
  expect(await held(timeless, recent, ahead, late, letter)).toEqual(
    new Map([
      [recent, 'applied'],
      [ahead, 'applied'],
      [late, 'forgotten'],
      [letter, 'dead'],
    ]),
  );
});

test('whoever looked at the inbox before the horizon moved has taken the event in when its day goes', async () => {
  const old = await partitionOf(database, 'inbox', 30);
  const id = idOfDay(30);
  await store.transact(async (tx) => {
    expect((await tx.held(GROUP, [id])).get(id)).toBeUndefined();
    await expect(database.store().inboxRetention.forget(21)).rejects.toMatchObject({ kind: 'contended' });
    await tx.take(GROUP, [retrying(id, 3_600_000)]);
  });
  expect(await store.inboxRetention.forget(21)).toEqual({ dropped: [], kept: [{ name: old, kept_for: 'retrying' }] });
  expect((await held(id)).get(id)).toBe('retrying');
});
