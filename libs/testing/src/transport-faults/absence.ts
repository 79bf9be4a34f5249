import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import { unavailable } from './black-hole';
import type { Scene } from './scene';

export function absenceTests(current: () => Scene): void {
  it('is waited for when it refuses connections at first', async () => {
    const scene = current();
    const { load, proxy } = scene;
    const observer = await scene.declared();
    await proxy.refuse();
    const transport = scene.proxied();
    const follower = new Seen();
    await Promise.all([
      scene.member(transport),
      scene.member(transport, { group: null, handle: follower.handle }),
      expect(load.offer(transport, 2)).resolves.toEqual([unavailable(), unavailable()]),
      expect(transport.ping()).rejects.toThrow(),
      expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow(),
      expect(transport.backlog('g')).rejects.toThrow(),
      expect(transport.isConsumed('g')).rejects.toThrow(),
    ]);
    await proxy.heal();
    await eventually(() => observer.isConsumed('g'));
    await load.send(transport, 10);
    await load.reaches(follower, transport);
    await load.arrives();
  });

  it('lets close while it is gone, whether it was there before or not', async () => {
    const scene = current();
    const { load, proxy } = scene;
    const transport = await scene.declared();
    await scene.member(scene.proxied());
    await load.send(transport, 40);
    await load.arrives();
    await scene.strike(() => proxy.refuse());
    await scene.member(scene.proxied());
    await scene.close();
  });
}
