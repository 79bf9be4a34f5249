import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** The words that the process was started with, joined by blanks; empty when there is no such process any more. */
export function commandLine(pid: number): string {
  if (process.platform !== 'linux') {
    return spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  }
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : '';
}
