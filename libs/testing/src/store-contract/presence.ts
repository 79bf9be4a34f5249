import { eventually } from '../eventually';
import type { TwoStores } from './under-test';

const LONG_MS = 3_600_000;

/** Who is there, and who has died. */
export function presenceContract(under: TwoStores): void {
  describe('presence', () => {
    it('tells everybody of a process that ended without a word, for so long, and of none that left', async () => {
      const [killed, left] = [under.another(), under.another()];
      const before: (readonly string[])[] = [];
      for (const { presence } of [under.store, killed, left]) before.push(await presence.watch(LONG_MS));
      await left.presence.leave();
      await left.close();
      before.push(await under.store.presence.watch(LONG_MS));
      await killed.close();
      expect(before).toEqual([[], [], [], []]);
      await eventually(async () => (await under.store.presence.watch(LONG_MS)).length > 0);
      const ended = [killed.presence.name];
      // It was not there then.
      expect(await under.other.presence.watch(LONG_MS)).toEqual(ended);
      await eventually(async () => (await under.other.presence.watch(1)).length === 0);
      expect(await under.store.presence.watch(LONG_MS)).toEqual(ended);
    });
  });
}
