import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Bench } from './bench';

export function closingTests(current: () => Bench): void {
  it('waits for running calls when it is closed, and leaves the rest to the next', async () => {
    const bench = current();
    const transport = bench.connect();
    await bench.publish(transport, bench.messages(0, 30, 30));
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    let isRunning = false;
    const [first, second] = [new Seen(), new Seen()];
    const handle = async (batch: Parameters<Seen['handle']>[0]) => {
      isRunning = true;
      await gate;
      await first.handle(batch);
    };
    const subscription = await bench.subscribe(transport, handle, { batch: 1, parallel: 1, inFlight: 1 });
    await eventually(() => isRunning);
    const closed = subscription.close();
    release();
    await closed;
    const handled = first.total;
    expect(handled).toBeGreaterThan(0);
    await bench.subscribe(bench.connect(), second.handle);
    await eventually(() => new Set([...first.numbers, ...second.numbers]).size >= 30);
    expect(first.total).toBe(handled);
  });
}
