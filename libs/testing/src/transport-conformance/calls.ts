import type { Message } from '@order-events/messaging';
import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import { numberOf, type Bench } from './bench';

export function callTests(current: () => Bench): void {
  it('keeps the messages of one key in order and out of two calls at once, where it says so', async () => {
    const bench = current();
    const transport = bench.connect();
    const count = 500;
    const arrived: Message[] = [];
    const busy = new Set<string>();
    let overlaps = 0;
    const handle = async (batch: readonly Message[]) => {
      const keys = new Set(batch.map(({ key }) => key));
      for (const key of keys) if (busy.has(key)) overlaps++;
      for (const key of keys) busy.add(key);
      await new Promise(setImmediate);
      for (const key of keys) busy.delete(key);
      arrived.push(...batch);
    };
    await bench.publishAndSubscribe(transport, bench.messages(0, count, 20), handle, { batch: 10 });
    await eventually(() => arrived.length >= count);
    const disorder = [...new Set(arrived.map(({ key }) => key))].filter((key) => {
      const numbers = arrived.filter((message) => message.key === key).map(numberOf);
      return numbers.some((n, i) => i > 0 && n < numbers[i - 1]!);
    });
    if (transport.capabilities.order === 'key') expect(disorder).toEqual([]);
    else expect(new Set(arrived.map(numberOf)).size).toBe(count);
    expect(overlaps).toBe(0);
  });

  it('never has more in flight, in a batch or in parallel than asked', async () => {
    const bench = current();
    const transport = bench.connect();
    const seen = new Seen();
    const most = { inFlight: 0, batch: 0, parallel: 0 };
    let [flying, calls] = [0, 0];
    const handle = async (batch: readonly Message[]) => {
      flying += batch.length;
      calls++;
      most.inFlight = Math.max(most.inFlight, flying);
      most.batch = Math.max(most.batch, batch.length);
      most.parallel = Math.max(most.parallel, calls);
      await new Promise(setImmediate);
      flying -= batch.length;
      calls--;
      await seen.handle(batch);
    };
    const limits = { inFlight: 20, batch: 8, parallel: 3 };
    await bench.publishAndSubscribe(transport, bench.messages(0, 200, 100), handle, limits);
    await eventually(() => seen.total >= 200);
    expect(most.inFlight).toBeLessThanOrEqual(20);
    expect(most.batch).toBeLessThanOrEqual(8);
    expect(most.parallel).toBeLessThanOrEqual(3);
  });

  it('delivers again what a handler rejects, and loses nothing', async () => {
    const bench = current();
    const transport = bench.connect();
    const seen = new Seen();
    let rejections = 3;
    const handle = (batch: readonly Message[]) =>
      rejections-- > 0 ? Promise.reject(new Error('not now')) : seen.handle(batch);
    await bench.publishAndSubscribe(transport, bench.messages(0, 60, 10), handle, { batch: 20 });
    await eventually(() => seen.distinct >= 60);
    expect(rejections).toBeLessThan(0);
  });

  it('goes on with other keys while a handler holds one', async () => {
    const bench = current();
    const transport = bench.connect();
    const [held, others] = [bench.messages(0, 1, 1), 200];
    const seen = new Seen();
    let isHolding = false;
    const gate = bench.gate();
    await bench.subscribe(transport, async (batch) => {
      if (batch.some(({ key }) => key === held[0]!.key)) {
        isHolding = true;
        await gate.opened;
      }
      await seen.handle(batch);
    });
    await bench.publish(transport, held);
    await eventually(() => isHolding);
    const rest = bench.messages(1, others, others).map((message) => ({ ...message, key: `other-${message.key}` }));
    await bench.publish(transport, rest);
    // Keys that share a partition with the held one may have to wait with it: less than half of them.
    await eventually(() => seen.distinct > others / 2);
    expect(seen.numbers).not.toContain(0);
    gate.open();
    await eventually(() => seen.distinct === others + 1);
  });

  it('goes on with other keys while a handler holds one that came together with many', async () => {
    const bench = current();
    const transport = bench.connect();
    const [first, later] = [60, 200];
    const seen = new Seen();
    let isHolding = false;
    const gate = bench.gate();
    const messages = bench.messages(0, first, first);
    const held = messages[0]!.key;
    await bench.publishAndSubscribe(transport, messages, async (batch) => {
      if (batch.some(({ key }) => key === held)) {
        isHolding = true;
        await gate.opened;
      }
      await seen.handle(batch);
    });
    await eventually(() => isHolding);
    const rest = bench.messages(first, later, later).map((message) => ({ ...message, key: `other-${message.key}` }));
    await bench.publish(transport, rest);
    await eventually(() => [...seen.numbers].filter((n) => n >= first).length > later / 2);
    gate.open();
    await eventually(() => seen.distinct === first + later);
  });
}
