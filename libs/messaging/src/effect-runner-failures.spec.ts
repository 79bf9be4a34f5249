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

test('an outside that is away is asked by one call at a time, and by all when it is back', async () => {
  let [away, under, most] = [true, 0, 0];
  outside.meddle = async () => {
    most = Math.max(most, ++under);
    await service.runtime.sleep(10);
    under -= 1;
    if (away) throw new Error('503');
  };
  await intend(...Array.from({ length: 40 }, (_, n) => charge(`o${n}`)));
  run(service.process(), { parallel: 8 });
  await eventually(() => outside.calls.length >= 20 && under <= 1);
  most = 0;
  const asked = outside.calls.length;
  await eventually(() => outside.calls.length >= asked + 20);
  expect(most).toBe(1);
  away = false;
  await done(40);
  expect(most).toBe(8);
});

test('never asks for fewer than one effect, however suddenly the outside goes away', async () => {
  const charging = new Charging();
  const { service, outside } = charging;
  const store = service.process();
  const limits: number[] = [];
  const claim = store.claimEffects.bind(store);
  jest.spyOn(store, 'claimEffects').mockImplementation((kinds, limit, ms) => {
    limits.push(limit);
    return claim(kinds, Math.max(0, limit), ms);
  });
  const fails: (() => void)[] = [];
  outside.meddle = () => new Promise((_, reject) => fails.push(() => reject(new Error('timeout'))));
  await charging.intend(...Array.from({ length: 27 }, (_, n) => charge(`o${n}`)));
  // The sleep in which a runner with few free slots gathers more: the time-outs of a hanging gateway fall into it.
  const sleep = service.runtime.sleep.bind(service.runtime);
  let done = false;
  jest.spyOn(service.runtime, 'sleep').mockImplementation(async (ms, signal) => {
    if (ms === 20 && !done && fails.length === 27) {
      done = true;
      for (const fail of fails.splice(0, 12)) fail();
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      return;
    }
    return sleep(ms, signal);
  });
  charging.run(store, { parallel: 32 });
  await eventually(() => done);
  for (const fail of fails.splice(0)) fail();
  await eventually(() => limits.length >= 2);
  expect(Math.min(...limits)).toBeGreaterThan(0);
});
