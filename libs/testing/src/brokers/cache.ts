import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock';
import type { Say } from './recipe';

/** In the checkout, whether this runs from the sources or built: programs are kept here, and what `brokers up` starts. */
export const cacheDirectory = join(__dirname, '..', '..', '..', '..', '.cache', 'brokers');

/** The folder of that name in the cache, made when it is not there. */
export const cached = (name: string, make: (directory: string) => Promise<void>) =>
  madeOnce(join(cacheDirectory, name), make);

/**
 * The folder, made when it is not there. It gets its name only when it is finished, so that a download that was cut short
 * is never taken for one that was not.
 */
export async function madeOnce(directory: string, make: (directory: string) => Promise<void>): Promise<string> {
  if (existsSync(directory)) return directory;
  return withLock(`${directory}.lock`, async () => {
    if (existsSync(directory)) return directory;
    const unfinished = `${directory}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    await make(unfinished);
    renameSync(unfinished, directory);
    return directory;
  });
}

export const isCached = (name: string) => existsSync(join(cacheDirectory, name));

export interface Work {
  /** What it does, for the reader of the progress. */
  title: string;
  command: string;
  args: readonly string[];
  cwd: string;
  env?: Readonly<Record<string, string>>;
}

const progressMs = 10_000;

/** Runs a program to its end and says so, also in between when it takes long. Rejects with the end of what it printed. */
export async function work({ title, command, args, cwd, env }: Work, say: Say): Promise<void> {
  const started = performance.now();
  const elapsed = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  say(`${title} …`);
  const progress = setInterval(() => say(`${title} … ${elapsed()}`), progressMs);
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(String(chunk)));
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        const tail = output.join('').trimEnd().split('\n').slice(-20).join('\n');
        if (code === 0) resolve();
        else reject(new Error(`${title} failed (${command} ended with exit code ${code}):\n${tail}`));
      });
    });
  } finally {
    clearInterval(progress);
  }
  say(`${title}: done in ${elapsed()}`);
}

/** What the program prints when it is asked for its version; undefined when it is not there. */
export function versionOf(command: string, argument: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, [argument], { encoding: 'utf8', env: process.env });
  return status === 0 ? `${stdout}${stderr}` : undefined;
}
