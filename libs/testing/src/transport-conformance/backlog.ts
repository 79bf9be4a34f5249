import type { Message, Subscription, Transport } from '@order-events/messaging';
import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Bench } from './bench';

export function backlogTests(current: () => Bench): void {
  it('tells the backlog of a group', async () => {
    const bench = current();
    const transport = bench.connect();
    expect(await transport.backlog(bench.group)).toBe(0);
    await bench.publish(transport, bench.messages(0, 12, 5));
    if (transport.capabilities.fleeting) {
      expect(await transport.backlog(bench.group)).toBe(0);
      return;
    }
    expect(await transport.backlog(bench.group)).toBe(12);
    const seen = new Seen();
    const subscription = await bench.subscribe(transport, seen.handle);
    await eventually(() => seen.total >= 12);
    await subscription.close();
    expect(await transport.backlog(bench.group)).toBe(0);
    expect(await transport.backlog(bench.otherGroup)).toBe(12);
  });

  it('counts in the backlog what its members have in hand', async () => {
    const bench = current();
    const transport = bench.connect();
    const { waiting, letGo } = await twoHold(bench, transport, transport);
    expect(await transport.backlog(bench.group)).toBe(waiting);
    await letGo();
    expect(await transport.backlog(bench.group)).toBe(0);
  });

  it('counts in the backlog what other processes have in hand, where it says so', async () => {
    const bench = current();
    const [asked, other] = [bench.connect(), bench.connect()];
    const { waiting, letGo } = await twoHold(bench, asked, other);
    const unseen = asked.capabilities.unseenHands ? 1 : 0;
    expect(await asked.backlog(bench.group)).toBe(waiting - unseen);
    await letGo();
    expect(await asked.backlog(bench.group)).toBe(0);
  });
}

/** Two members of the group, each with one message in hand, and more that wait. */
async function twoHold(bench: Bench, first: Transport, second: Transport) {
  const gate = bench.gate();
  let isTime = false;
  let holding = 0;
  const members = [new Seen(), new Seen()] as const;
  const subscriptions: Subscription[] = [];
  for (const [index, transport] of [first, second].entries()) {
    const handle = async (batch: readonly Message[]) => {
      if (isTime) {
        holding++;
        await gate.opened;
      }
      await members[index]!.handle(batch);
    };
    subscriptions.push(await bench.subscribe(transport, handle, { batch: 1, waitMs: 0, inFlight: 1, parallel: 1 }));
  }
  const shared = await bench.untilShared(bench.connect(), ...members, 40);
  isTime = true;
  const waiting = 40;
  await bench.publish(first, bench.messages(shared, waiting, 200));
  await eventually(() => holding === 2);
  return {
    waiting,
    letGo: async () => {
      gate.open();
      await eventually(() => new Set(members.flatMap(({ numbers }) => [...numbers])).size === shared + waiting);
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
    },
  };
}
