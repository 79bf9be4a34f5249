import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine } from '../processes';
import type { Part } from './recipe';

/** A process that may have been started by another process of ours, and how to tell it from a later one of the same pid. */
export interface Running {
  pid: number;
  mark: string;
}

export function isRunning({ pid, mark }: Running): boolean {
  const words = commandLine(pid);
  return words === '' ? isThere(pid) : words.includes(mark);
}

/**
 * While a process becomes another program, and from its end until it has given back its ports, it has no command line.
 * Where there is no /proc, a process without one has ended.
 */
function isThere(pid: number): boolean {
  const directory = `/proc/${pid}`;
  if (!existsSync(directory)) return false;
  try {
    const [state] = readFileSync(join(directory, 'stat'), 'utf8').replace(/^.*\) /s, '');
    return state !== 'Z' || readdirSync(join(directory, 'task')).length > 1;
  } catch (error) {
    // It has ended in between.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Far more than a slow machine needs. */
const startPatienceMs = 300_000;
const stopPatienceMs = 30_000;

/** Starts a process that outlives this one and is not reached by a Ctrl-C, with its output in the file. */
export function launch({ command, args, env }: Part, directory: string, logFile: string): Promise<number> {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid!));
  });
}

/** Resolves when the part does its work. Rejects with the end of its log when it ends instead, or takes too long. */
export async function whenReady(part: Part, pid: number, logFile: string): Promise<void> {
  const deadline = performance.now() + startPatienceMs;
  let trouble = '';
  for (;;) {
    const ready = await part.probe().then(
      () => true,
      (error: Error) => void (trouble = error.message),
    );
    // Something else may have taken the port and speak the same protocol.
    if (!isRunning({ pid, mark: part.mark }))
      throw new Error(`${part.name} ended instead of starting:\n${tail(logFile)}`);
    if (ready) return;
    if (performance.now() > deadline) {
      const waited = `${startPatienceMs / 1000} s`;
      throw new Error(`${part.name} was not ready after ${waited} (${trouble}). Its log ends with:\n${tail(logFile)}`);
    }
    await sleep(50);
  }
}

/** Ends the process, if it is still the one it was: in order, and by force when that takes too long. */
export async function end(running: Running): Promise<void> {
  if (isRunning(running)) process.kill(running.pid, 'SIGTERM');
  if (!(await gone(running, stopPatienceMs))) await kill9(running);
}

/** Ends the process without any order, as a crash would. */
export async function kill9(running: Running): Promise<void> {
  if (isRunning(running)) process.kill(running.pid, 'SIGKILL');
  await gone(running, Infinity);
}

async function gone(running: Running, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (isRunning(running)) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

export function tail(logFile: string): string {
  if (!existsSync(logFile)) return '(no log)';
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
}
