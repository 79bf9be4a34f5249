import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../start';
import { openDatabases } from '../verify';

/** How a service came back after kill -9. */
export interface Recovery {
  name: string;
  database: string;
  /** From its end until it was ready again, milliseconds. */
  readyMs: number;
  /** When it was ready again. */
  readyAt: Date;
}

/** Resolves when the process is there again and ready; with undefined if the signal is aborted before. */
export async function recoveryOf(
  system: System,
  name: string,
  pid: number,
  signal: AbortSignal,
): Promise<Recovery | undefined> {
  const { service } = system.instances.find((instance) => instance.name === name)!;
  const killed = performance.now();
  while (system.pid(name) === undefined || system.pid(name) === pid || !(await system.isReady(name))) {
    if (signal.aborted) return undefined;
    await sleep(20);
  }
  return { name, database: service.database, readyMs: performance.now() - killed, readyAt: new Date() };
}

/** How long after it was ready each service took the next event in, milliseconds. Where none came, there is no figure. */
export async function firstEvents(
  databaseUrls: Readonly<Record<string, string>>,
  recoveries: readonly Recovery[],
): Promise<number[]> {
  const { ask, close } = await openDatabases(databaseUrls);
  try {
    const delays: number[] = [];
    for (const { database, readyAt } of recoveries) {
      if (database === 'sandbox') continue;
      const sql = `SELECT min(at) AS at FROM inbox WHERE at >= '${readyAt.toISOString()}'`;
      const [row] = await ask<{ at: Date | null }>(database, sql);
      if (row?.at) delays.push(row.at.getTime() - readyAt.getTime());
    }
    return delays;
  } finally {
    await close();
  }
}
