import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine } from '../processes';

/**
 * Stops a server that still works on the data directory, because who started it was killed. A `postmaster.pid` of a dead
 * process, or of one that has since been given to another program, is nothing to stop.
 */
export async function stopLeftover(directory: string): Promise<void> {
  const file = join(directory, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!isServerOf(pid, directory)) return;
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + 15_000;
  while (isServerOf(pid, directory)) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
    await sleep(50);
  }
}

/** The server is always started with its directory on the command line. */
function isServerOf(pid: number, directory: string): boolean {
  return commandLine(pid).includes(` -D ${directory} `);
}
