import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { DEAD_LETTERED } from '@order-events/contracts';
import { publishRefused, Relay, RELAY, systemRuntime, type InboxEntry, type Settlement } from '@order-events/messaging';
import { entry, eventually, FaultyBroker, message } from '@order-events/testing';
import { OutboxDatabase } from '../../test/outbox-database';
import type { DeadLetterFilter } from './dead-letters';
import type { PostgresStore } from './store';

let database: OutboxDatabase;
let store: PostgresStore;
beforeEach(async () => {
  database = await OutboxDatabase.create();
  store = database.store();
});
afterEach(() => database.close());

const by = { actor: 'ann', reason: 'the handler is mended', limit: 1_000 };

function dead(key: string, error = 'Error: too little', topic = 'order.created'): InboxEntry {
  const failure = { message: { ...message(key, `body of ${key}`), topic }, error, attempts: 10 };
  return { id: randomUUID(), topic, key, state: 'dead', failure };
}
const file = (entry: InboxEntry, group = 'g') => store.transact((tx) => tx.take(group, [entry]));
const states = async (group: string, ...entries: InboxEntry[]) => {
  const ids = entries.map(({ id }) => id);
  const held = await store.transact((tx) => tx.held(group, ids));
  return ids.map((id) => held.get(id));
};
const keys = async (filter: DeadLetterFilter) =>
  (await store.deadLetters.list(filter, 100)).map(({ letter }) => letter.key).sort();

test('are found by group, type, key, id, the words of the last error, and age', async () => {
  const [one, two, three] = [dead('k1'), dead('k2', 'TypeError: 100% Wrong', 'order.paid'), dead('k3')];
  await file(one);
  await file(two);
  await file(three, 'other');
  await database.sql(`UPDATE inbox SET at = at - interval '1 hour' WHERE key = 'k1'`);
  await file({ id: randomUUID(), topic: 'order.created', key: 'k4', state: 'applied' });
  expect(await keys({})).toEqual(['k1', 'k2', 'k3']);
  expect(await keys({ group: 'g' })).toEqual(['k1', 'k2']);
  expect(await keys({ type: 'order.paid' })).toEqual(['k2']);
  expect(await keys({ key: 'k3' })).toEqual(['k3']);
  expect(await keys({ id: one.id })).toEqual(['k1']);
  expect(await keys({ error: '0% wrong' })).toEqual(['k2']);
  expect(await keys({ error: '%' })).toEqual(['k2']);
  expect(await keys({ older_than: 3_000 })).toEqual(['k1']);
  expect(await keys({ group: 'g', type: 'order.created', error: 'nothing like it' })).toEqual([]);
  expect(await store.deadLetters.count({ group: 'g' }, 100)).toBe(2);
  expect(await store.deadLetters.count({ group: 'g' }, 1)).toBe(1);
});

test('are listed in pages, what died last first, also when they died at the same time', async () => {
  for (let i = 0; i < 5; i++) await file(dead(`k${i}`));
  await database.sql(`UPDATE inbox SET at = '2026-01-01T00:00:00.123456Z' WHERE key < 'k3'`);
  const listed: string[] = [];
  for (let place, page; (page = await store.deadLetters.list({}, 2, place)).length > 0; place = page.at(-1)!.place)
    listed.push(...page.map(({ letter }) => letter.key));
  expect(listed.slice(0, 2)).toEqual(['k4', 'k3']);
  expect([...listed].sort()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
});

test('of a try that was heard of after all it is not kept that it was not; redriven, it is tried alone again', async () => {
  const { failure, ...entry } = dead('k');
  const file = (error: string, crashes?: number) =>
    store.transact((tx) => tx.take('g', [{ ...entry, failure: { ...failure!, error, crashes } }]));
  for (const [error, crashes] of [
    ['begun', 1],
    ['begun again', 2],
    ['thrown', 1],
    ['thrown in a batch', 1],
    ['begun', 2],
  ] as const)
    await file(error, crashes);
  const found = await store.deadLetters.find('g', entry.id);
  expect(found!.errors.map(({ error }) => error)).toEqual(['begun', 'thrown', 'thrown in a batch', 'begun']);
  expect(await store.deadLetters.redrive({}, by)).toBe(1);
  expect(await store.dueRetries('g', 10)).toMatchObject([{ id: entry.id, attempts: 0, crashes: 0 }]);
});

test('are kept as they came, with the last five errors, each with its time and host', async () => {
  const letter = dead('k');
  const failure = (n: number) => ({ ...letter, failure: { ...letter.failure!, error: `${n} ${'x'.repeat(5_000)}` } });
  for (let n = 1; n <= 7; n++) await file(failure(n));
  const found = await store.deadLetters.find('g', letter.id);
  expect(found).toMatchObject({ state: 'dead', attempts: 10, due_at: null, headers: { 'ce-id': 'x' }, actions: [] });
  expect(found!.body.toString()).toBe('body of k');
  expect(found!.errors.map(({ error }) => [error[0], error.length])).toEqual(
    [3, 4, 5, 6, 7].map((n) => [`${n}`, 4096]),
  );
  for (const { at, host } of found!.errors) {
    expect(host).toBe(hostname());
    expect(new Date(at).getTime()).toBeGreaterThan(0);
  }
  expect(await store.deadLetters.find('other', letter.id)).toBeUndefined();
});

test('are redriven once by two who do it at the same time, and are due as if they had never been tried', async () => {
  const letters = Array.from({ length: 50 }, (_, i) => dead(`k${i}`));
  for (const letter of letters) await file(letter);
  const other = database.store();
  const counts = await Promise.all([store, other].map((each) => each.deadLetters.redrive({ group: 'g' }, by)));
  expect(counts[0]! + counts[1]!).toBe(50);
  expect(new Set(await states('g', ...letters))).toEqual(new Set(['retrying']));
  const due = await store.dueRetries('g', 100);
  expect(due.map(({ attempts }) => attempts)).toEqual(letters.map(() => 0));
  expect(await store.operatorActions.list({ action: 'redrive' }, 100)).toHaveLength(50);
  expect((await store.deadLetters.find('g', letters[0]!.id))!.actions).toMatchObject([
    { actor: 'ann', action: 'redrive', reason: 'the handler is mended' },
  ]);
  expect(await store.deadLetters.redrive({}, by)).toBe(0);
});

test('are redriven as many as are wanted, those that died first, and no faster than is wanted', async () => {
  for (let i = 0; i < 6; i++) await file(dead(`k${i}`));
  expect(await store.deadLetters.redrive({}, { ...by, limit: 4 }, 0.01)).toBe(4);
  expect(await keys({})).toEqual(['k4', 'k5']);
  expect((await store.dueRetries('g', 100)).map(({ message }) => message.key)).toEqual(['k0']);
  const spread = await database.sql<{ key: string; seconds: number }>(
    `SELECT key, round(extract(epoch FROM due_at - min(due_at) OVER ()))::integer AS seconds FROM failures
     WHERE due_at IS NOT NULL AND key <> 'k0' ORDER BY due_at`,
  );
  expect(spread).toEqual([1, 2, 3].map((n) => ({ key: `k${n}`, seconds: 100 * (n - 1) })));
});

test('that are discarded are never tried again, and stay with who did it and why', async () => {
  const [gone, left] = [dead('k1'), dead('k2')];
  await file(gone);
  await file(left);
  expect(await store.deadLetters.discard({ key: 'k1' }, { ...by, reason: 'a test of theirs' })).toBe(1);
  // Whoever still has it in hand changes nothing.
  await file({ ...gone, state: 'retrying', failure: { ...gone.failure!, delayMs: 0 } });
  expect(await states('g', gone, left)).toEqual(['discarded', 'dead']);
  expect(await store.deadLetters.redrive({ key: 'k1' }, by)).toBe(0);
  expect(await store.dueRetries('g', 10)).toEqual([]);
  const found = await store.deadLetters.find('g', gone.id);
  expect(found).toMatchObject({ state: 'discarded', actions: [{ actor: 'ann', reason: 'a test of theirs' }] });
  expect(found!.body.toString()).toBe('body of k1');
});

test('of the relay are published again as they were, and are dead again if they are refused again', async () => {
  const broker = new FaultyBroker();
  const refuse: Settlement = { stored: false, problem: 'refused', detail: 'too large' };
  broker.settle = ({ key }) => (key === 'odd' ? refuse : { stored: true });
  const notes = { published: jest.fn(), publishFailed: jest.fn(), refused: jest.fn() };
  const observer = { ...notes, handled: () => {}, held: () => {}, loopFailed: () => {} };
  const silent = { ...observer, effectDone: () => {}, effectFailed: () => {}, answerFailed: () => {} };
  const stop = new AbortController();
  const relay = new Relay({ store, transport: broker, runtime: systemRuntime, observer: silent, batch: 10 });
  const relaying = relay.run(stop.signal);
  const [odd, fine] = [entry('odd', 'raw'), entry('fine')];
  await store.transact((tx) => tx.append([odd, fine]));
  await eventually(async () => (await keys({ group: 'relay' })).length === 1);
  stop.abort();
  await relaying;
  const again = () =>
    publishRefused({ store, transport: broker, runtime: systemRuntime, observer: notes, group: RELAY });
  const { key, topic } = odd;
  const letter: InboxEntry = { id: odd.id, key, topic, state: 'dead' };
  expect(await again()).toBe(0);

  await store.deadLetters.redrive({ group: 'relay' }, by);
  expect(await again()).toBe(1);
  expect(await states('relay', letter)).toEqual(['dead']);
  expect((await store.deadLetters.find('relay', odd.id))!.errors).toHaveLength(2);

  broker.settle = () => ({ stored: false, problem: 'unavailable', detail: 'no broker' });
  await store.deadLetters.redrive({ group: 'relay' }, by);
  expect(await again()).toBe(1);
  expect(await states('relay', letter)).toEqual(['retrying']);
  expect(await again()).toBe(0);

  broker.settle = () => ({ stored: true });
  await database.sql('UPDATE failures SET due_at = clock_timestamp()');
  expect(await again()).toBe(1);
  expect(await states('relay', letter)).toEqual(['applied']);
  const stored = broker.stored.filter(({ topic }) => topic !== DEAD_LETTERED);
  expect(stored.map(({ key, body }) => [key, Buffer.from(body).toString()])).toEqual([
    ['fine', '{}'],
    ['odd', 'raw'],
  ]);
  const [{ created_at }] = (await database.sql<{ created_at: Date }>(
    `SELECT created_at FROM outbox WHERE key = 'odd'`,
  )) as [{ created_at: Date }];
  expect(stored[1]!.headers).toMatchObject({ ...odd.headers, 'ce-time': created_at.toISOString() });
  expect(await store.deadLetters.find('relay', odd.id)).toBeUndefined();
  expect(notes.published).toHaveBeenLastCalledWith(1);
  expect(notes.publishFailed.mock.calls).toEqual([[1, 'no broker']]);
  expect(notes.refused).toHaveBeenCalledTimes(2);
  const told = await database.sql(`SELECT FROM outbox WHERE topic = '${DEAD_LETTERED}'`);
  expect(told).toHaveLength(2);
});

test('a group is paused until it is resumed, whoever looks', async () => {
  const { operatorActions } = database.store();
  expect(await operatorActions.pause('g')).toBeUndefined();
  await store.operatorActions.record('pause', 'g', by);
  expect(await operatorActions.pause('g')).toMatchObject({ actor: 'ann', reason: 'the handler is mended' });
  expect(await operatorActions.pause('other')).toBeUndefined();
  await store.operatorActions.record('resume', 'g', { actor: 'bob', reason: 'done' });
  expect(await operatorActions.pause('g')).toBeUndefined();
  expect(await operatorActions.list({}, 10)).toMatchObject([{ action: 'resume' }, { action: 'pause' }]);
  expect(await operatorActions.list({ actor: 'bob' }, 10)).toMatchObject([{ action: 'resume', event_id: null }]);
});
