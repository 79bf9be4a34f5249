import { eventually, type counters } from '@order-events/testing';
import { Charging, charge, TRACE, type Charge } from '../test/charging';
import type { Counting } from '../test/counting';
import { decode, type Decision } from './index';

let charging: Charging;
let { service, outside, intend, run, done } = (charging = new Charging());
beforeEach(() => {
  ({ service, outside, intend, run, done } = charging = new Charging());
});
afterEach(() => charging.stop());

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
  const decide = (rows: Parameters<typeof Counting.count>[0], input: Charge): Decision<typeof counters> => ({
    ...charging.count(rows, input),
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
