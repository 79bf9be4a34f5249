import { randomUUID } from 'node:crypto';
import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Bench } from './bench';

export function groupTests(current: () => Bench): void {
  it('delivers what was published before the first subscription, where it says so, and after it, to each group, once', async () => {
    const bench = current();
    const publisher = bench.connect();
    await bench.publish(publisher, bench.messages(0, 50, 7));
    const [g, h] = [new Seen(), new Seen()];
    await bench.subscribe(bench.connect(), g.handle);
    await bench.subscribe(bench.connect(), h.handle, { group: bench.otherGroup });
    await bench.publish(publisher, bench.messages(50, 50, 7));
    const lost = publisher.capabilities.fleeting ? Array.from({ length: 50 }, (_, n) => n) : [];
    const total = 100 - lost.length;
    for (const seen of [g, h]) {
      await eventually(() => seen.total >= total);
      expect({ lost: seen.lost(100), unknown: seen.unknown(100), total: seen.total }).toEqual({
        lost,
        unknown: [],
        total,
      });
    }
  });

  it('gives a group that is declared later what is published from then on', async () => {
    const bench = current();
    const publisher = bench.connect();
    await bench.publish(publisher, bench.messages(0, 10, 7));
    const waiting = publisher.capabilities.fleeting ? 0 : 10;
    // A broker that deals out to the groups by and by has done so.
    await eventually(async () => (await publisher.backlog(bench.group)) === waiting);
    const later = `later-${randomUUID()}`;
    await bench.declare([later]);
    expect(await publisher.backlog(later)).toBe(0);
    const seen = new Seen();
    if (publisher.capabilities.fleeting) await bench.subscribe(bench.connect(), seen.handle, { group: later });
    await bench.publish(publisher, bench.messages(10, 10, 7));
    if (!publisher.capabilities.fleeting) {
      expect(await publisher.backlog(later)).toBe(10);
      await bench.subscribe(bench.connect(), seen.handle, { group: later });
    }
    await eventually(() => seen.total >= 10);
    expect([...seen.numbers].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('leaves a group where it is when it is declared again', async () => {
    const bench = current();
    const publisher = bench.connect();
    await bench.publish(publisher, bench.messages(0, 10, 7));
    await bench.declare([bench.group, bench.otherGroup]);
    const waiting = publisher.capabilities.fleeting ? 0 : 10;
    expect(await publisher.backlog(bench.group)).toBe(waiting);
    const seen = new Seen();
    await bench.subscribe(bench.connect(), seen.handle);
    await bench.declare([bench.group, bench.otherGroup]);
    await bench.publish(publisher, bench.messages(10, 10, 7));
    await eventually(() => seen.distinct === waiting + 10);
  });

  it('says whether anybody consumes for a group, which one that was not declared has nobody', async () => {
    const bench = current();
    const asking = bench.connect();
    expect(await asking.isConsumed(`undeclared-${randomUUID()}`)).toBe(false);
    expect(await asking.isConsumed(bench.group)).toBe(false);
    const member = await bench.subscribe(bench.connect(), new Seen().handle);
    await eventually(() => asking.isConsumed(bench.group));
    expect(await asking.isConsumed(bench.otherGroup)).toBe(false);
    await member.close();
    // Who has just left may have left a question without an answer.
    await eventually(async () => !(await asking.isConsumed(bench.group).catch(() => true)));
  });

  it('shares a topic among the members of a group, and gives a leaving one’s share to the others', async () => {
    const bench = current();
    const publisher = bench.connect();
    const [first, second] = [new Seen(), new Seen()];
    // Far fewer than are published at once: where the first who looks gets all that it can hold, something is left for the other.
    const few = { batch: 10, parallel: 2 };
    const leaving = await bench.subscribe(bench.connect(), first.handle, few);
    await bench.subscribe(bench.connect(), second.handle, few);
    const sent = await bench.untilShared(publisher, first, second);
    await leaving.close();
    const before = first.total;
    await bench.publish(publisher, bench.messages(sent, 200, 200));
    await eventually(() => new Set([...first.numbers, ...second.numbers]).size >= sent + 200);
    expect(first.total).toBe(before);
  });

  it('gives each group what comes on its topics, be it several, and nothing of others', async () => {
    const bench = current();
    const publisher = bench.connect();
    const [even, odd] = [`even.${randomUUID()}`, `odd.${randomUUID()}`];
    const [one, other, both] = [`one-${randomUUID()}`, `other-${randomUUID()}`, `both-${randomUUID()}`];
    await publisher.declare([
      { topic: even, groups: [one, both] },
      { topic: odd, groups: [other, both] },
    ]);
    const follow = async (group: string, ...topics: string[]) => {
      const seen = new Seen();
      await bench.subscribe(bench.connect(), seen.handle, { group, topics });
      return seen;
    };
    const seen = [await follow(one, even), await follow(other, odd), await follow(both, even, odd)];
    const messages = bench.messages(0, 60, 7).map((message, n) => ({ ...message, topic: n % 2 === 0 ? even : odd }));
    await bench.publish(publisher, messages);
    await eventually(() => seen[2]!.distinct === 60 && seen[0]!.distinct + seen[1]!.distinct >= 60);
    expect([...seen[0]!.numbers].filter((number) => number % 2 !== 0)).toEqual([]);
    expect([...seen[1]!.numbers].filter((number) => number % 2 === 0)).toEqual([]);
  });

  it('broadcasts to every follower what comes from now on', async () => {
    const bench = current();
    const publisher = bench.connect();
    const [early, burst] = [1_000_000, 500];
    await bench.publish(publisher, bench.messages(early, 1, 1));
    // A broker that deals out to the groups by and by has done so.
    const waiting = publisher.capabilities.fleeting ? 0 : 1;
    await eventually(async () => (await publisher.backlog(bench.group)) === waiting);
    const followers = [new Seen(), new Seen()];
    for (const seen of followers) await bench.subscribe(bench.connect(), seen.handle, { group: null });
    // More at once than a follower takes while it is handed the first of them.
    await bench.publish(publisher, bench.messages(0, burst, burst));
    for (const seen of followers) {
      await eventually(() => seen.lost(burst).length === 0);
      expect(seen.numbers).not.toContain(early);
    }
  });
}
