import type { Message } from '@order-events/messaging';
import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Bench } from './bench';

/** In which a broker, and the member that looks for what others have left, would have noticed that a claim has run out. */
const NOTICE_MS = 5_000;

export function claimTests(current: () => Bench): void {
  it('keeps what a slow handler has in hand for it while its member lives, and acknowledges it in the end', async () => {
    const bench = current();
    const { claimMs } = bench.test;
    const publisher = bench.connect();
    const [slow, other, late] = [new Seen(), new Seen(), new Seen()];
    const arrived = () => new Set([slow, other, late].flatMap(({ numbers }) => [...numbers])).size;
    let isSlow = false;
    let heldSince: number | undefined;
    const gate = bench.gate();
    const hold = async (batch: readonly Message[]) => {
      await slow.handle(batch);
      if (!isSlow) return;
      heldSince ??= performance.now();
      await gate.opened;
    };
    const few = { batch: 10, parallel: 2 };
    const members = [
      await bench.subscribe(bench.connect(), hold, few),
      await bench.subscribe(bench.connect(), other.handle, few),
    ];
    let sent = await bench.untilShared(publisher, slow, other);
    isSlow = true;
    while (heldSince === undefined) {
      // So few keys that most of what it takes waits behind another of its key, with a claim that runs, too.
      await bench.publish(publisher, bench.messages(sent, 60, 20));
      sent += 60;
      await eventually(() => heldSince !== undefined || arrived() === sent);
    }
    const since = heldSince;
    const isHeldFor = (ms: number) => eventually(() => performance.now() - since > ms);
    if (claimMs) await isHeldFor(claimMs);
    // Who comes now looks for what is free.
    members.push(await bench.subscribe(bench.connect(), late.handle, few));
    if (claimMs) await isHeldFor(claimMs + NOTICE_MS);
    while (!claimMs && late.total === 0) {
      const before = other.total;
      // So many keys that the held ones are few of them.
      await bench.publish(publisher, bench.messages(sent, 60, 200));
      sent += 60;
      await eventually(() => late.total > 0 || other.total > before);
    }
    gate.open();
    await eventually(() => arrived() === sent);
    await Promise.all(members.map((member) => member.close()));
    expect(slow.total + other.total + late.total).toBe(sent);
    expect(await publisher.backlog(bench.group)).toBe(0);
  });
}
