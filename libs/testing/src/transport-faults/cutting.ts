import type { Scene } from './scene';

export function cuttingTests(current: () => Scene): void {
  it('loses nothing over connections that are cut under load, on either side', async () => {
    const scene = current();
    const { load, proxy } = scene;
    const transport = await scene.declared();
    const publisher = scene.proxied();
    await scene.member(scene.proxied());
    for (let round = 0; round < 5; round++)
      await load.sendDuring(publisher, async () => {
        await load.passes(60);
        await scene.strike(() => proxy.cut());
      });
    await load.arrives();
    await scene.drained(transport);
  });
}
