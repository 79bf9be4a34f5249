import type { Message } from '@order-events/messaging';
import type { Bench } from './bench';
import { Traffic } from './traffic';

const few = { batch: 10, parallel: 2, inFlight: 50 };

export function membershipTests(current: () => Bench): void {
  it('loses nothing and hands out nothing twice while members come, and leave in the midst of a call, under load', async () => {
    const bench = current();
    const traffic = new Traffic(bench, 3);
    const join = () => bench.subscribe(bench.connect(), traffic.handle, few);
    const members = [await join(), await join()];
    traffic.start();
    for (let round = 0; round < 3; round++) {
      await traffic.passes(200);
      const guest = await guestOf(bench, traffic);
      await guest.comes();
      const [joined] = await Promise.all([join(), guest.leaves(), members.shift()!.close()]);
      members.push(joined);
      const before = guest.handed();
      await traffic.passes(200);
      expect(guest.handed()).toBe(before);
    }
    await traffic.stop();
    await traffic.arrives();
    await Promise.all(members.map((member) => member.close()));
    expectAllToBeWell(traffic);
    expect(await bench.connect().backlog(bench.group)).toBe(0);
  });

  it('keeps what is published when all have left, where it says so, for whoever comes', async () => {
    const bench = current();
    const traffic = new Traffic(bench, 3);
    const join = () => bench.subscribe(bench.connect(), traffic.handle, few);
    const members = await Promise.all([join(), join(), join(), join()]);
    traffic.start();
    await traffic.passes(200);
    await traffic.stop();
    await traffic.arrives();
    await Promise.all(members.map((member) => member.close()));
    const { fleeting } = bench.connect().capabilities;
    if (fleeting) members.push(await join());
    await traffic.publish(0, 100);
    if (!fleeting) members.push(await join());
    await traffic.arrives();
    await Promise.all(members.map((member) => member.close()));
    expectAllToBeWell(traffic);
  });
}

function expectAllToBeWell({ account }: Traffic): void {
  expect(account).toEqual({ ...account, lost: 0, disorder: 0, overlaps: 0 });
  expect(account.again).toBeLessThanOrEqual(account.mayComeAgain);
}

/** A member whose calls last until it leaves. */
async function guestOf(bench: Bench, traffic: Traffic) {
  let handed = 0;
  const leaving = bench.gate();
  const handle = (batch: readonly Message[]) => {
    handed += batch.length;
    return traffic.handle(batch, leaving.opened);
  };
  const subscription = await bench.subscribe(bench.connect(), handle, few);
  return {
    handed: () => handed,
    comes: () => traffic.until(() => handed > 0),
    leaves: async () => {
      const left = subscription.close();
      // Meanwhile the broker may have heard that it leaves: its calls run all the same.
      await bench.connect().ping();
      leaving.open();
      await left;
    },
  };
}
