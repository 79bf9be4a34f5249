import type { Message } from '@order-events/messaging';
import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import { numberOf, type Bench } from './bench';

export function acknowledgingFirstTests(current: () => Bench): void {
  describe('a subscription that acknowledges first', () => {
    it('hands over what waits for nobody any more', async () => {
      const bench = current();
      const [transport, asked] = [bench.connect(), bench.connect()];
      const backlogs: number[] = [];
      const handle = async () => void backlogs.push(await asked.backlog(bench.group));
      await bench.subscribe(transport, handle, { acknowledgeFirst: true });
      await bench.publish(transport, bench.messages(0, 1, 1));
      await eventually(() => backlogs.length > 0);
      expect(backlogs).toEqual([0]);
    });

    it('delivers once what its handler rejects, and goes on', async () => {
      const bench = current();
      const count = 60;
      const transport = bench.connect();
      const handed: Message[] = [];
      const handle = (batch: readonly Message[]) => {
        handed.push(...batch);
        if (handed.length % 2 === 0) throw new Error('thrown, and not rejected');
        return Promise.reject(new Error('not now, and never again'));
      };
      const first = await bench.subscribe(transport, handle, { acknowledgeFirst: true, batch: 7 });
      await bench.publish(transport, bench.messages(0, count, 10));
      await eventually(() => handed.length >= count);
      await bench.publish(transport, bench.messages(count, count, 10));
      await eventually(() => handed.length >= 2 * count);
      await first.close();

      const next = new Seen();
      await bench.subscribe(bench.connect(), next.handle);
      await bench.publish(transport, bench.messages(2 * count, count, 10));
      await eventually(() => next.total >= count);
      expect([...next.numbers].every((n) => n >= 2 * count)).toBe(true);
      expect(handed.map(numberOf).sort((a, b) => a - b)).toEqual(Array.from({ length: 2 * count }, (_, n) => n));
    });

    it('keeps the messages of one key out of two calls at once', async () => {
      const bench = current();
      const transport = bench.connect();
      const count = 200;
      const busy = new Set<string>();
      let [handed, overlaps] = [0, 0];
      const handle = async (batch: readonly Message[]) => {
        const keys = new Set(batch.map(({ key }) => key));
        for (const key of keys) if (busy.has(key)) overlaps++;
        for (const key of keys) busy.add(key);
        await new Promise(setImmediate);
        for (const key of keys) busy.delete(key);
        handed += batch.length;
      };
      await bench.subscribe(transport, handle, { acknowledgeFirst: true, batch: 10 });
      await bench.publish(transport, bench.messages(0, count, 20));
      await eventually(() => handed >= count);
      expect({ handed, overlaps }).toEqual({ handed: count, overlaps: 0 });
    });
  });
}
