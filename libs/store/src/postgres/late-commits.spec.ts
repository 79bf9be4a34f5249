import { entry } from '@order-events/testing';
import { late } from '../../test/late-commit';
import { drain, OutboxDatabase } from '../../test/outbox-database';
import type { PostgresStore } from './store';

const HOUR_MS = 3_600_000;
let outbox: OutboxDatabase;
let store: PostgresStore;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
  store = outbox.store();
});
afterEach(() => outbox.close());

const append = (key: string) => store.transact((tx) => tx.append([entry(key)]));
const ageLate = () => outbox.sql(`UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE key = 'late'`);

test('what was committed late counts for the age of the outbox until it is published', async () => {
  const relay = store.outbox();
  await relay.lease(600_000);
  const commitLate = await late(store, 'late');
  await append('early');
  expect((await drain(relay)).map(({ key }) => key)).toEqual(['early']);
  expect(await store.outboxStatus()).toEqual({ oldestMs: 0 });
  await commitLate();
  await ageLate();
  expect((await store.outboxStatus()).oldestMs).toBeGreaterThanOrEqual(HOUR_MS);
  expect((await drain(relay)).map(({ key }) => key)).toEqual(['late']);
  expect(await store.outboxStatus()).toEqual({ oldestMs: 0 });
});

test('what was committed late, and what comes while a window is open, counts from within that, too', async () => {
  const relay = store.outbox();
  await relay.lease(600_000);
  const commitLate = await late(store, 'late');
  await append('early');
  // A full page leaves its window open.
  expect((await relay.page(1)).map(({ key }) => key)).toEqual(['early']);
  await relay.commit([]);
  expect(await store.outboxStatus()).toEqual({ oldestMs: 0 });
  await commitLate();
  await ageLate();
  expect((await store.outboxStatus()).oldestMs).toBeGreaterThanOrEqual(HOUR_MS);
});

test('what was committed late counts for the lag of an audit until it is asked about', async () => {
  await store.audit.declare(new Map([['g', [entry().topic]]]));
  const [relay, audit] = [store.outbox(), store.audit.log('g')];
  await Promise.all([relay.lease(600_000), audit.lease(600_000)]);
  const lag = async () => (await store.audit.status())[0]!.lag_ms;
  const askAboutAll = async () => {
    await drain(relay);
    const { mark } = (await store.audit.published())!;
    const page = await audit.page(10, mark);
    await audit.commit();
    return page.map(({ key }) => key);
  };
  const commitLate = await late(store, 'late');
  await append('early');
  expect(await askAboutAll()).toEqual(['early']);
  expect(await lag()).toBe(0);
  await commitLate();
  await ageLate();
  expect(await lag()).toBeGreaterThanOrEqual(HOUR_MS);
  expect(await askAboutAll()).toEqual(['late']);
  expect(await lag()).toBe(0);
});
