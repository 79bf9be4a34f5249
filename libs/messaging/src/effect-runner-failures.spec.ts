import { eventually } from '@order-events/testing';
import { Charging, charge, type Charge } from '../test/charging';
import type { Counting } from '../test/counting';
import { StoreError } from './index';

let charging: Charging;
let { service, outside, intend, run, done } = (charging = new Charging());
beforeEach(() => {
  ({ service, outside, intend, run, done } = charging = new Charging());
});
afterEach(() => charging.stop());

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
  const decide = (rows: Parameters<typeof Counting.count>[0], input: Charge) => {
    if (input.order === 'bad' && service.notes.errors.length < 2) throw new Error('a bug');
    return charging.count(rows, input);
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

describe('an outside that is away', () => {
  const MINUTES_MS = 5 * 60_000;
  const orders = (count: number) => Array.from({ length: count }, (_, n) => charge(`o${n}`));
  let under: number;
  beforeEach(() => void (under = 0));

  /** Whatever is called so takes a while and comes to nothing. */
  const failsAfter = async (ms: number) => {
    under += 1;
    await service.runtime.sleep(ms);
    under -= 1;
    throw new Error('503');
  };

  test('is called once a second by all processes together, and as before when it is back', async () => {
    let [away, most] = [true, 0];
    outside.meddle = async () => {
      most = Math.max(most, under + 1);
      if (away) await failsAfter(10);
      under += 1;
      await service.runtime.sleep(10);
      under -= 1;
    };
    await intend(...orders(400));
    run(service.process(), { parallel: 8 });
    run(service.process(), { parallel: 8 });
    // Each process finds it out for itself.
    await eventually(() => service.notes.outside.length === 2);
    const [calls, since] = [outside.calls.length, service.runtime.elapsed()];
    expect(calls).toBeLessThan(60);
    await eventually(() => service.runtime.elapsed() >= since + MINUTES_MS);
    const seconds = (service.runtime.elapsed() - since) / 1000;
    const asked = outside.calls.length - calls;
    expect(asked).toBeLessThanOrEqual(seconds + 1);
    expect(asked).toBeGreaterThan(seconds / 2 - 1);
    [away, most] = [false, 0];
    await done(400);
    expect(service.notes.outside.sort()).toEqual(['away', 'away', 'back', 'back']);
    expect(most).toBeGreaterThanOrEqual(8);
  });

  test('is found to be back by an order that was never called for, however many calls hang', async () => {
    outside.meddle = (key) => (key.startsWith('healthy') ? undefined : failsAfter(15_000));
    await intend(...orders(200));
    run(service.process(), { parallel: 8 });
    await eventually(() => outside.calls.length > 300);
    expect(service.notes.outside.at(-1)).toBe('away');
    const since = service.runtime.elapsed();
    await intend(charge('healthy'));
    await done(1);
    expect(service.runtime.elapsed() - since).toBeLessThan(30_000);
    await eventually(() => service.notes.outside.includes('back'));
  });

  test('only in part holds up none of the rest, however many calls hang', async () => {
    const called = new Map<string, number>();
    outside.meddle = (key) => {
      if (!key.startsWith('healthy')) return failsAfter(15_000);
      called.set(key, service.runtime.elapsed());
      return service.runtime.sleep(50);
    };
    await intend(...orders(100));
    run(service.process(), { parallel: 8 });
    await eventually(() => outside.calls.length > 120);
    const waits: number[] = [];
    for (let n = 0; n < 120; n++) {
      const since = service.runtime.elapsed();
      await intend(charge(`healthy${n}`));
      await eventually(() => called.has(`healthy${n}.charge`));
      waits.push(called.get(`healthy${n}.charge`)! - since);
      await service.runtime.sleep(1_000);
    }
    expect(Math.max(...waits)).toBeLessThan(3_000);
    // Those that hang have their half of the slots, and get their turns.
    expect(outside.calls.filter((key) => !key.startsWith('healthy')).length).toBeGreaterThan(140);
  });

  test('that was away for some calls gets to them, however many wait that were never made', async () => {
    let made = 0;
    outside.meddle = async (key) => {
      if (key === 'again.charge' && made++ === 0) throw new Error('503');
      await service.runtime.sleep(100);
      // More than can be made come all the time.
      if (outside.calls.length < 800) await intend(charge(`after ${key}`));
    };
    await intend(charge('again'), ...orders(100));
    run(service.process(), { parallel: 8 });
    await eventually(() => made > 1 || outside.calls.length >= 800);
    expect(made).toBe(2);
    expect(service.runtime.elapsed()).toBeLessThan(5_000);
  });

  test('is not what a single call that is never answered makes of it', async () => {
    outside.meddle = () => failsAfter(10);
    await intend(charge('bad'));
    run();
    await eventually(() => outside.calls.length > 15);
    expect(service.notes.outside).toEqual([]);
  });

  test('for one process is there again as soon as another has an answer, though a call stays open', async () => {
    let away = true;
    outside.meddle = (key) => (away || key.startsWith('bad') ? failsAfter(10) : undefined);
    const store = service.process();
    const probe = store.probeOutside.bind(store);
    // Whatever is due, the other process has taken it.
    jest.spyOn(store, 'probeOutside').mockImplementation((_, ...asked) => probe([], ...asked));
    await intend(...orders(12), charge('bad'));
    run(store);
    await eventually(() => service.notes.outside.length === 1);
    away = false;
    run();
    await eventually(() => service.notes.outside.length === 2);
    expect(service.notes.outside).toEqual(['away', 'back']);
    expect(outside.calls.filter((key) => key === 'bad.charge').length).toBeGreaterThan(0);
  });

  test('is noted to be back only when the database knows it', async () => {
    const store = service.process();
    let away = true;
    outside.meddle = () => (away ? failsAfter(10) : undefined);
    await intend(...orders(20));
    run(store, { parallel: 8 });
    await eventually(() => service.notes.outside.length === 1);
    jest.spyOn(store, 'outsideIsBack').mockRejectedValueOnce(new StoreError('unavailable', 'away'));
    away = false;
    await done(20);
    expect(service.notes.outside).toEqual(['away', 'back']);
    expect(service.database.outside.awaySince).toBeUndefined();
  });
});
