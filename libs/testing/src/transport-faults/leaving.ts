import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Scene } from './scene';

export function leavingTests(current: () => Scene): void {
  it('gives what a member held that is gone without a word to those who stay, under load, where it is kept', async () => {
    const scene = current();
    const { load, proxy } = scene;
    const transport = await scene.declared();
    const { fleeting } = transport.capabilities;
    const publisher = scene.direct();
    await scene.member(scene.direct());
    let mayBeLost = 0;
    for (let round = 0; round < 2; round++) {
      const before = load.account.published;
      const guest = await scene.holding(scene.proxied(), new Seen());
      await load.sendDuring(publisher, async () => {
        await eventually(() => guest.seen.distinct > 0);
        // As the broker sees it when the process is killed. What it has taken does not count as handled, and who stays
        // meets no fault: nothing at all may come again.
        await proxy.refuse();
        if (fleeting) mayBeLost += load.account.published - before;
        await load.passes(60);
      });
      guest.letGo();
      await guest.close();
      await load.arrives(mayBeLost);
      await proxy.heal();
    }
    await scene.drained(transport);
  });
}
