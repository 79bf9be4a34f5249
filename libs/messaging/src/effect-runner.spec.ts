import { counters, eventually, type FaultyStore } from '@order-events/testing';
import { Counting } from '../test/counting';
import { decode, EffectRunner, StoreError, type Decision, type EffectEntry, type EffectHandler } from './index';

type Counters = typeof counters;
interface Charge {
  order: string;
  name: string;
}

/** The outside: it charges once for each idempotency key, however often it is called. */
class Outside {
  readonly calls: string[] = [];
  readonly charges = new Set<string>();
  /** What happens on the way to the answer; a test lets it wait or throw. */
  meddle: (idempotencyKey: string) => unknown = () => undefined;

  async call(idempotencyKey: string): Promise<{ charged: string }> {
    this.calls.push(idempotencyKey);
    this.charges.add(idempotencyKey);
    await this.meddle(idempotencyKey);
    return { charged: idempotencyKey };
  }
}

let service: Counting;
let outside: Outside;
let runners: { stop: AbortController; done: Promise<void> }[];
beforeEach(() => {
  service = new Counting();
  outside = new Outside();
  runners = [];
});
afterEach(async () => {
  for (const { stop } of runners) stop.abort();
  await Promise.all(runners.map(({ done }) => done));
});

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function charge(order: string, name = 'charge'): EffectEntry {
  const input: Charge = { order, name };
  return {
    kind: 'charge',
    key: order,
    idempotencyKey: `${order}.${name}`,
    input,
    causationid: 'c1',
    traceparent: TRACE,
  };
}

const intend = (...effects: EffectEntry[]) => service.store.transact((tx) => tx.intend(effects));
const decideCount = (rows: Parameters<typeof Counting.count>[0], { order }: Charge): Decision<Counters> =>
  Counting.count(rows, order);

/** A runner as one process has it. */
function run(store: FaultyStore = service.process(), { parallel = 8, decide = decideCount } = {}) {
  const handler: EffectHandler<Counters, Charge, { charged: string }> = {
    kind: 'charge',
    call: (_, { idempotencyKey }) => outside.call(idempotencyKey),
    keys: ({ order }) => ({ counters: [order] }),
    decide,
  };
  const runner = new EffectRunner({
    source: '/counting',
    maxEventBytes: 1_000,
    tables: counters,
    handlers: [handler],
    ...{ store, runtime: service.runtime, observer: service.notes, parallel },
  });
  const stop = new AbortController();
  const running = { stop, done: runner.run(stop.signal) };
  runners.push(running);
  return running;
}

const done = (count: number) => eventually(() => service.notes.done.length >= count);

test('an intended call is made, and its answer decided and told of, once', async () => {
  await intend(charge('o1'));
  run();
  await done(1);
  expect(outside.calls).toEqual(['o1.charge']);
  expect(await service.count('o1')).toBe(1);
  expect(service.published.map((record) => decode(record))).toEqual([
    {
      ok: true,
      event: {
        attributes: expect.objectContaining({
          ...{ type: 'payment.voided', source: '/counting', subject: 'o1', sequence: '1' },
          ...{ causationid: 'c1', traceparent: TRACE },
        }),
        data: { order_id: 'o1' },
      },
    },
  ]);
  await intend(charge('o1'), charge('o2'));
  await done(2);
  expect(outside.calls).toEqual(['o1.charge', 'o2.charge']);
});

test('a process that dies between intent and call leaves the call to another', async () => {
  const dying = service.process();
  await dying.transact((tx) => tx.intend([charge('o1')]));
  await dying.claimEffects(['charge'], 10, 60_000);
  await dying.close();
  run();
  await done(1);
  expect(outside.calls).toEqual(['o1.charge']);
  expect(service.runtime.elapsed()).toBeLessThan(60_000);
});

test('a process that dies between call and result has the call repeated with the same key', async () => {
  const dying = service.process();
  outside.meddle = () => dying.close();
  await intend(charge('o1'));
  const first = run(dying);
  await eventually(() => outside.calls.length === 1);
  first.stop.abort();
  await first.done;
  outside.meddle = () => undefined;
  run();
  await done(1);
  expect(outside.calls).toEqual(['o1.charge', 'o1.charge']);
  expect(await service.count('o1')).toBe(1);
  expect(service.published).toHaveLength(1);
});

test('two runners at once make each call once, those of one order one after the other and in order', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const orders = Array.from({ length: 10 }, (_, i) => `o${i}`);
  const busy = new Set<string>();
  let overlaps = 0;
  outside.meddle = async (idempotencyKey) => {
    const [order] = idempotencyKey.split('.');
    if (busy.has(order!)) overlaps++;
    busy.add(order!);
    await new Promise(setImmediate);
    busy.delete(order!);
  };
  for (const name of names) await intend(...orders.map((order) => charge(order, name)));
  run();
  run();
  await done(40);
  expect(overlaps).toBe(0);
  expect(outside.calls).toHaveLength(40);
  for (const order of orders) {
    expect(outside.calls.filter((key) => key.startsWith(`${order}.`))).toEqual(names.map((name) => `${order}.${name}`));
    expect(await service.count(order)).toBe(4);
  }
});

test('never more calls at once than asked', async () => {
  let [now, most] = [0, 0];
  outside.meddle = async () => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
  };
  await intend(...Array.from({ length: 20 }, (_, i) => charge(`o${i}`)));
  run(service.process(), { parallel: 3 });
  await done(20);
  expect(most).toBe(3);
});

test('an answer that comes twice is decided once', async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  // The first call's answer comes when the lease has long gone to another, whose answer came at once.
  outside.meddle = () => (outside.calls.length === 1 ? held : undefined);
  await intend(charge('o1'));
  run();
  await eventually(() => outside.calls.length === 1);
  service.runtime.pass(60_000);
  run();
  await done(1);
  answer();
  await done(2);
  expect(outside.calls).toEqual(['o1.charge', 'o1.charge']);
  expect(await service.count('o1')).toBe(1);
  expect(service.published).toHaveLength(1);
});

test('a call without a definite answer is made again with the same key, later each time', async () => {
  const at: number[] = [];
  outside.meddle = () => {
    at.push(service.runtime.elapsed());
    if (at.length < 6) throw new Error('socket hang up');
  };
  await intend(charge('o1'));
  run();
  await done(1);
  expect(new Set(outside.calls)).toEqual(new Set(['o1.charge']));
  expect(service.notes.errors).toEqual(Array.from({ length: 5 }, () => 'socket hang up'));
  for (const [index, ms] of [200, 400, 800, 1_600, 3_200].entries())
    expect(at[index + 1]! - at[index]!).toBeGreaterThanOrEqual(ms);
  expect(await service.count('o1')).toBe(1);
});

test('an answer that comes while the database is away is kept, and the call not repeated', async () => {
  const store = service.process();
  outside.meddle = () => void (store.away = true);
  await intend(charge('o1'));
  run(store);
  await eventually(() => service.notes.holds >= 3);
  store.away = false;
  await done(1);
  expect(outside.calls).toEqual(['o1.charge']);
  expect(await service.count('o1')).toBe(1);
});

test('a lost answer to the commit is no second result', async () => {
  const store = service.process();
  outside.meddle = () => void (store.lostAnswers = 1);
  await intend(charge('o1'));
  run(store);
  await done(1);
  expect(await service.count('o1')).toBe(1);
  expect(service.published).toHaveLength(1);
});

test('an answer that cannot be decided about holds no other up, and is kept until it can: it is not asked for again', async () => {
  const decide = (rows: Parameters<typeof decideCount>[0], input: Charge) => {
    if (input.order === 'bad' && service.notes.errors.length < 2) throw new Error('a bug');
    return decideCount(rows, input);
  };
  await intend(charge('o1'), charge('bad'), charge('o2'));
  run(service.process(), { decide });
  await done(3);
  expect(service.notes.done.map(({ key }) => key).sort()).toEqual(['bad', 'o1', 'o2']);
  expect(service.notes.errors).toEqual(['a bug', 'a bug']);
  expect(outside.calls.sort()).toEqual(['bad.charge', 'o1.charge', 'o2.charge']);
  for (const order of ['o1', 'o2', 'bad']) expect(await service.count(order)).toBe(1);
});

test('a claim that runs out during its call and is taken anew is no reason to make the call again', async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  outside.meddle = () => held;
  const store = service.process();
  const claimed: number[] = [];
  const claim = store.claimEffects.bind(store);
  jest.spyOn(store, 'claimEffects').mockImplementation(async (...asked) => {
    const effects = await claim(...asked);
    claimed.push(effects.length);
    return effects;
  });
  await intend(charge('o1'));
  run(store);
  await eventually(() => outside.calls.length === 1);
  service.runtime.pass(61_000);
  await eventually(() => claimed.filter((count) => count > 0).length === 2);
  answer();
  await done(1);
  expect(outside.calls).toEqual(['o1.charge']);
  expect(service.notes.done).toHaveLength(1);
});

test('free slots are filled by few claims', async () => {
  const store = service.process();
  await intend(...Array.from({ length: 80 }, (_, n) => charge(`o${n}`)));
  const claims = jest.spyOn(store, 'claimEffects');
  run(store, { parallel: 8 });
  await done(80);
  expect(claims.mock.calls.length).toBeLessThan(40);
  for (const [, free] of claims.mock.calls) expect(free).toBeLessThanOrEqual(8);
});

test('what an answer leads to may be another call', async () => {
  const decide = (rows: Parameters<typeof decideCount>[0], input: Charge): Decision<Counters> => ({
    ...decideCount(rows, input),
    effects: input.name === 'charge' ? [charge(input.order, 'refund')] : [],
  });
  await intend(charge('o1'));
  run(service.process(), { decide });
  await done(2);
  expect(outside.calls).toEqual(['o1.charge', 'o1.refund']);
  expect(await service.count('o1')).toBe(2);
});

test('told to stop, it lets running calls end and records their answers', async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  outside.meddle = () => held;
  await intend(charge('o1'), charge('o2'));
  const { stop, done: stopped } = run(service.process(), { parallel: 1 });
  await eventually(() => outside.calls.length === 1);
  stop.abort();
  answer();
  await stopped;
  expect(service.notes.done.map(({ key }) => key)).toEqual(['o1']);
  expect(outside.calls).toEqual(['o1.charge']);
});

test('goes on when the database comes back', async () => {
  const store = service.process();
  store.away = true;
  await intend(charge('o1'));
  run(store);
  await eventually(() => service.notes.errors.length >= 3);
  store.away = false;
  await done(1);
  expect(service.notes.errors[0]).toBe('effects: the database is away');
  store.refusals.push(new StoreError('contended', 'deadlock'));
  await intend(charge('o2'));
  await done(2);
  expect(await service.count('o2')).toBe(1);
});
