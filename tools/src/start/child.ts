import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Running } from './supervised';

export interface Program {
  /** The file for Node to run. */
  file: string;
  env: NodeJS.ProcessEnv;
  /** Receives its output, line by line. */
  log: (line: string) => void;
}

const patienceMs = 25_000;

/**
 * Starts a Node program in a process group of its own, so that a Ctrl-C on the terminal does not reach it before its
 * turn. It holds a channel to this process and is expected to end when that closes, so that it does not outlive us.
 */
export function startChild({ file, env, log }: Program): Promise<Running> {
  const child = spawn(process.execPath, [file], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream! }).on('line', log);
  const exited = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with exit code ${code}`)),
  );
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve({ pid: child.pid!, exited, stop }));
  });

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const impatience = setTimeout(() => {
      log(`did not stop within ${patienceMs / 1000} s and is killed`);
      child.kill('SIGKILL');
    }, patienceMs);
    await exited;
    clearTimeout(impatience);
  }
}
