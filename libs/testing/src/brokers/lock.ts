import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine } from '../processes';

/**
 * Does some work while no other process, and no other caller in this one, does work under the same name. A holder that
 * died holds nothing.
 *
 * @param directory of the lock; made when it is not there. It holds one file for each time the lock was taken, numbered:
 *   the highest one counts, and is empty once the lock is given back. Numbers only rise and a file comes into being with
 *   its content in it, so that two processes that both find the holder dead cannot both take the lock over.
 */
export async function withLock<R>(directory: string, work: () => Promise<R>): Promise<R> {
  const held = await take(directory);
  try {
    return await work();
  } finally {
    truncateSync(held);
  }
}

async function take(directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const own = join(directory, `taker-${randomUUID()}`);
  writeFileSync(own, `${process.pid} ${commandLine(process.pid)}`);
  try {
    for (;;) {
      const newest = newestNumber(directory);
      const next = join(directory, String(newest + 1));
      if (!isHeld(join(directory, String(newest))) && link(own, next)) {
        // Whoever looked before others took the lock and gave it back may have reused a number that was cleared away.
        if (newestNumber(directory) === newest + 1) {
          for (const number of numbers(directory))
            if (number <= newest) rmSync(join(directory, String(number)), { force: true });
          return next;
        }
        rmSync(next, { force: true });
      }
      await sleep(50);
    }
  } finally {
    rmSync(own);
  }
}

const numbers = (directory: string) => readdirSync(directory).filter(isNumber).map(Number);
const isNumber = (name: string) => /^\d+$/.test(name);
const newestNumber = (directory: string) => Math.max(0, ...numbers(directory));

function isHeld(file: string): boolean {
  const [, pid, command] = /^(\d+) (.*)$/s.exec(read(file)) ?? [];
  return pid !== undefined && commandLine(Number(pid)) === command;
}

/** Empty when there is no such file, or when it has just been cleared away; then linking tells. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** False when somebody else was first. */
function link(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
