import { Seen } from '../transport-load';
import type { Scene } from './scene';

export function killingTests(current: () => Scene): void {
  it('loses of what it stored no more than is declared when it is killed under load, and all come back', async () => {
    const scene = current();
    const kills = 2;
    await goneUnderLoad(scene, kills, () => scene.broker.kill(), kills * scene.lostPerKill);
  });

  it('loses nothing when it is restarted in order under load', async () => {
    const scene = current();
    await goneUnderLoad(scene, 1, () => scene.broker.stop(), 0);
  });
}

async function goneUnderLoad(scene: Scene, times: number, go: () => Promise<void>, mayBeLost: number): Promise<void> {
  const { load, broker, errors } = scene;
  const transport = await scene.declared();
  const [publisher, other] = [scene.direct(), scene.direct()];
  const follower = new Seen();
  await scene.member(transport);
  await scene.member(other);
  await scene.member(other, { group: null, handle: follower.handle });
  for (let round = 0; round < times; round++)
    await load.sendDuring(publisher, async () => {
      await load.passes(150);
      await scene.strike(go);
      await broker.start();
    });
  expect(errors).not.toEqual([]);
  await load.reaches(follower, publisher);
  await load.arrives(mayBeLost);
  await scene.drained(transport);
}
