import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../start';

/**
 * Kills random processes, Postgres among them, with SIGKILL every few seconds until the signal is aborted. Whatever is
 * killed is brought back by the system. Resolves with how often each was killed.
 */
export async function killRandomly(
  system: System,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Map<string, number>> {
  const names = [...system.instances.map(({ name }) => name), 'postgres'];
  const kills = new Map<string, number>();
  for (;;) {
    await sleep(1_000 + Math.random() * 3_000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return kills;
    const up = names.filter((name) => system.pid(name) !== undefined);
    const name = up[Math.floor(Math.random() * up.length)];
    if (!name) continue;
    system.kill(name, 'SIGKILL');
    kills.set(name, (kills.get(name) ?? 0) + 1);
    say(`killed ${name}`);
  }
}
