import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../start';
import { openDatabases } from '../verify';

export type Killed = 'service' | 'broker' | 'Postgres';

/** How a process came back after kill -9. */
export interface Recovery {
  killed: Killed;
  /** Whose inboxes show when events flow again: the service's own, or of all services. */
  databases: readonly string[];
  /** From its end until it was ready again, milliseconds. */
  readyMs: number;
  /** When it was ready again. */
  readyAt: Date;
}

/** A slow machine takes a minute; a process that never comes up is a finding, too, and not waited for for ever. */
const LONGEST_MS = 10 * 60_000;

/** Resolves when the process is there again and ready. @throws if it does not come back */
export async function recoveryOf(system: System, killed: Killed, name: string, pid: number): Promise<Recovery> {
  const databases = (killed === 'service' ? system.instances.filter((one) => one.name === name) : system.instances).map(
    ({ service }) => service.database,
  );
  const start = performance.now();
  while (!(await isBack(system, killed, name, pid))) {
    if (performance.now() - start > LONGEST_MS) throw new Error(`${name} was killed and has not come back`);
    await sleep(20);
  }
  const events = new Set(databases.filter((database) => database !== 'sandbox'));
  return { killed, databases: [...events], readyMs: performance.now() - start, readyAt: new Date() };
}

/** What carries others has a pid when it answers. */
async function isBack(system: System, killed: Killed, name: string, before: number): Promise<boolean> {
  const pid = system.pid(name);
  if (pid === undefined || pid === before) return false;
  return killed !== 'service' || system.isReady(name);
}

/** How long after it was ready each took the next event in, milliseconds. Where none came, there is no figure. */
export async function firstEvents(
  databaseUrls: Readonly<Record<string, string>>,
  recoveries: readonly Recovery[],
): Promise<number[]> {
  const { ask, close } = await openDatabases(databaseUrls);
  try {
    const delays: number[] = [];
    for (const { databases, readyAt } of recoveries) {
      const firsts: number[] = [];
      for (const database of databases) {
        const sql = `SELECT min(at) AS at FROM inbox WHERE at >= '${readyAt.toISOString()}'`;
        const [row] = await ask<{ at: Date | null }>(database, sql);
        if (row?.at) firsts.push(row.at.getTime() - readyAt.getTime());
      }
      if (firsts.length > 0) delays.push(Math.min(...firsts));
    }
    return delays;
  } finally {
    await close();
  }
}
