import { randomUUID } from 'node:crypto';
import type { Message, Subscribe, Subscription } from '@order-events/messaging';
import { eventually } from '@order-events/testing';
import { TestLog } from '../test/test-log';
import { partitionOf } from './partition';

const HELD = 'held';

const events = (keys: readonly string[]): Message[] =>
  keys.map((key) => ({ topic: 'things', key, headers: { 'ce-id': randomUUID() }, body: Buffer.from('{}') }));

/** Of other partitions than the one that is held. */
const elsewhere = (count: number) => {
  const keys: string[] = [];
  for (let n = 0; keys.length < count; n++) if (partitionOf(`k${n}`) !== partitionOf(HELD)) keys.push(`k${n}`);
  return keys;
};

let log: TestLog;
beforeEach(async () => {
  log = await TestLog.create();
  await log.open().declare([{ topic: 'things', groups: ['g'] }]);
});
afterEach(() => log.remove());

async function subscribe(handle: Subscribe['handle'], more: Partial<Subscribe> = {}): Promise<Subscription> {
  const defaults = { group: 'g', topics: ['things'], batch: 100, waitMs: 1, inFlight: 1000, parallel: 4 };
  return log.closing(await log.open().subscribe({ ...defaults, ...more, handle }));
}

/** A handler that keeps the first batch with the held key until it is told how to end it, and takes everything else. */
function keeper() {
  const seen: string[] = [];
  let end: (error?: Error) => void = () => {};
  const ending = new Promise<void>((resolve, reject) => (end = (error) => (error ? reject(error) : resolve())));
  const state = {
    seen,
    isKeeping: false,
    end: (error?: Error) => end(error),
    handle: async (batch: readonly Message[]) => {
      if (!state.isKeeping && batch.some(({ key }) => key === HELD)) {
        state.isKeeping = true;
        await ending;
      }
      seen.push(...batch.map(({ key }) => key));
    },
  };
  return state;
}

test('a batch that is held holds up its own partition and no other', async () => {
  const keeping = keeper();
  const publisher = log.open();
  await subscribe(keeping.handle);
  await publisher.publish(events([HELD]));
  await eventually(() => keeping.isKeeping);
  await publisher.publish(events([HELD, ...elsewhere(200)]));
  await eventually(() => keeping.seen.length >= 200);
  expect(keeping.seen).not.toContain(HELD);
  // What is held, and what waits behind it.
  await eventually(async () => (await publisher.backlog('g')) === 2);

  keeping.end();
  await eventually(() => keeping.seen.length >= 202);
  expect(keeping.seen.filter((key) => key === HELD)).toHaveLength(2);
});

test('what was held and then failed comes again, and nothing that was handled meanwhile', async () => {
  const keeping = keeper();
  const publisher = log.open();
  await subscribe(keeping.handle);
  await publisher.publish(events([HELD]));
  await eventually(() => keeping.isKeeping);
  await publisher.publish(events(elsewhere(200)));
  await eventually(() => keeping.seen.length >= 200);
  keeping.end(new Error('not now'));
  await eventually(async () => (await publisher.backlog('g')) === 0);
  expect(keeping.seen.filter((key) => key === HELD)).toHaveLength(1);
  expect(keeping.seen).toHaveLength(201);
});

test('what is held counts as in flight', async () => {
  const keeping = keeper();
  const publisher = log.open();
  let [flying, most] = [0, 0];
  const handle = async (batch: readonly Message[]) => {
    flying += batch.length;
    most = Math.max(most, flying);
    await keeping.handle(batch);
    flying -= batch.length;
  };
  await subscribe(handle, { inFlight: 8, batch: 3 });
  await publisher.publish(events([HELD]));
  await eventually(() => keeping.isKeeping);
  await publisher.publish(events(elsewhere(200)));
  await eventually(() => keeping.seen.length >= 200);
  expect(most).toBeLessThanOrEqual(8);
  keeping.end();
});

test('a partition that is held stays with its member when another one joins the group, and the others are shared', async () => {
  const keeping = keeper();
  const [publisher, second] = [log.open(), keeper()];
  await subscribe(keeping.handle);
  await publisher.publish(events([HELD]));
  await eventually(() => keeping.isKeeping);
  await subscribe(second.handle);
  let sent = 0;
  await eventually(async () => {
    await publisher.publish(events(elsewhere(32)));
    sent += 32;
    return second.seen.length > 0;
  });
  await publisher.publish(events([HELD]));
  await eventually(() => keeping.seen.length + second.seen.length >= sent);
  expect(second.isKeeping).toBe(false);
  keeping.end();
  second.end();
  await eventually(async () => (await publisher.backlog('g')) === 0);
  expect([...keeping.seen, ...second.seen].filter((key) => key === HELD)).toHaveLength(2);
});

test('who is closed keeps what is held until that has ended, and leaves the rest to the others at once', async () => {
  const keeping = keeper();
  const [publisher, second] = [log.open(), keeper()];
  const subscription = await subscribe(keeping.handle);
  await publisher.publish(events([HELD]));
  await eventually(() => keeping.isKeeping);
  const closed = subscription.close();
  await publisher.publish(events([HELD, ...elsewhere(200)]));
  await subscribe(second.handle);
  await eventually(() => keeping.seen.length + second.seen.length >= 200);
  expect(second.isKeeping).toBe(false);

  second.end();
  keeping.end();
  await closed;
  expect(keeping.seen.filter((key) => key === HELD)).toHaveLength(1);
  await eventually(() => second.seen.includes(HELD));
  await eventually(async () => (await publisher.backlog('g')) === 0);
  expect(second.seen.filter((key) => key === HELD)).toHaveLength(1);
});

test('a key that came together with a page of others holds up no more than a call of its own', async () => {
  const keeping = keeper();
  await log.open().publish(events([HELD, ...elsewhere(80)]));
  await subscribe(keeping.handle);
  await eventually(() => keeping.isKeeping);
  const later = Array.from({ length: 200 }, (_, n) => `later${n}`);
  await log.open().publish(events(later));
  await eventually(() => keeping.seen.filter((key) => key.startsWith('later')).length > 100);
  keeping.end();
  await eventually(() => keeping.seen.length === 281);
});
