import { setTimeout as sleep } from 'node:timers/promises';
import { holds, type Result, verify } from '../verify';

const patienceMs = 120_000;

/**
 * Waits for a system that nobody disturbs any more to come to rest, and resolves with what it then looks like: as soon as
 * everything holds, or when nothing has changed for a long while. A database that does not answer may come back meanwhile.
 * @param enough what is as good as everything
 */
export async function atRest(
  databaseUrls: Readonly<Record<string, string>>,
  enough: (results: readonly Result[]) => boolean = holds,
): Promise<Result[]> {
  let before = '';
  let changedAt = performance.now();
  for (;;) {
    const results = await verify(databaseUrls).catch((error: Error) => error);
    if (!(results instanceof Error) && enough(results)) return results;
    const now = results instanceof Error ? results.message : results.map(({ violations }) => violations.length).join();
    if (now !== before) changedAt = performance.now();
    else if (performance.now() - changedAt > patienceMs) {
      if (results instanceof Error) throw results;
      return results;
    }
    before = now;
    await sleep(1_000);
  }
}
