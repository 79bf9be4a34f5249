import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** Words before a command, so that on Linux it ends with whoever started it, whatever that one dies of. */
export const withParent = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];

/** Starts a program that goes on running and ends with us. @param words its command and arguments */
export function start(words: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const [command, ...args] = [...withParent, ...words];
  const child = spawn(command!, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

export const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

/** kill -9. Resolves when it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
