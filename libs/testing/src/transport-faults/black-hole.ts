import { eventually } from '../eventually';
import type { Scene } from './scene';

export function blackHoleTests(current: () => Scene): void {
  it('ends publishing into a black hole as unavailable, also when the socket takes no more, and lets members close', async () => {
    const scene = current();
    const { load, proxy } = scene;
    const transport = await scene.declared();
    const { fleeting } = transport.capabilities;
    const publisher = scene.proxied();
    const leaving = await scene.holding(scene.proxied());
    await load.send(publisher, 40);
    await eventually(() => leaving.seen.distinct > 0);
    await publisher.ping();
    await scene.strike(() => proxy.blackHole());
    const closed = leaving.close();
    leaving.letGo();
    const large = Buffer.alloc(700_000);
    const settlements = await Promise.all([load.offer(publisher, 30, large), load.offer(publisher, 1)]);
    expect(settlements.flat()).toEqual(Array(31).fill(unavailable()));
    await expect(publisher.ping()).rejects.toThrow();
    await closed;
    const handled = leaving.seen.total;

    await proxy.heal();
    await scene.member(transport);
    await load.send(publisher, 10);
    await publisher.ping();
    // What nobody keeps ends with who had it in hand.
    await load.arrives(fleeting ? 40 - handled : 0);
    expect(leaving.seen.total).toBe(handled);
  });

  it('takes what a member in a black hole holds back for another, where it is kept, and lets that member come back', async () => {
    const scene = current();
    const { load, proxy, errors } = scene;
    const transport = await scene.declared();
    const { fleeting } = transport.capabilities;
    const cutOff = await scene.holding(scene.proxied());
    await load.send(transport, 50);
    await eventually(() => cutOff.seen.distinct > 0);
    const told = errors.length;
    await scene.strike(() => proxy.blackHole());
    const there = load.counted();
    const other = await scene.member(transport, { handle: there.handle });
    if (fleeting) await load.send(transport, 50);
    await eventually(() => there.distinct === 50);
    await eventually(() => errors.length > told);

    await proxy.heal();
    cutOff.letGo();
    await load.arrives();
    expect(load.account.again === 0).toBe(fleeting === true);
    await other.close();
    await load.reaches(cutOff.seen, transport);
    await load.arrives();
    await scene.drained(transport);
  });
}

/** What becomes of a message while the broker is away. A function, as what is not a test loads this file, too, and has no `expect`. */
export const unavailable = () => ({ stored: false, problem: 'unavailable', detail: expect.any(String) as string });
