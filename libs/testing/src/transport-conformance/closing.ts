import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Bench } from './bench';

export function closingTests(current: () => Bench): void {
  it('waits for running calls when it is closed, and leaves the rest to the next', async () => {
    const bench = current();
    const transport = bench.connect();
    const gate = bench.gate();
    let isRunning = false;
    const [first, second] = [new Seen(), new Seen()];
    const handle = async (batch: Parameters<Seen['handle']>[0]) => {
      isRunning = true;
      await gate.opened;
      await first.handle(batch);
    };
    const single = { batch: 1, parallel: 1, inFlight: 1 };
    const subscription = await bench.publishAndSubscribe(transport, bench.messages(0, 30, 30), handle, single);
    await eventually(() => isRunning);
    const follow = () => bench.subscribe(bench.connect(), second.handle);
    if (transport.capabilities.fleeting) await follow();
    const closed = subscription.close();
    gate.open();
    await closed;
    const handled = first.total;
    expect(handled).toBeGreaterThan(0);
    if (!transport.capabilities.fleeting) await follow();
    await eventually(() => new Set([...first.numbers, ...second.numbers]).size >= 30);
    expect(first.total).toBe(handled);
  });

  it('closes twice like once', async () => {
    const bench = current();
    const transport = bench.connect();
    const subscription = await bench.subscribe(transport, new Seen().handle);
    await Promise.all([subscription.close(), subscription.close()]);
    await Promise.all([transport.close(), transport.close()]);
    await subscription.close();
    await transport.close();
  });
}
