import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';

/** In memory, and only as far as it is used. */
const SIZE_BYTES = 2 * 1024 ** 3;
/** Somebody may write between the look at what is used and the word that there is no more. */
const FILL_TRIES = 20;

/** A disk of its own for some data, which can be full and be given its space back: a tmpfs whose size is changed. */
export class Disk {
  readonly directory: string;

  /** @throws where a tmpfs cannot be mounted: that takes Linux, root and the right to mount */
  constructor(directory: string) {
    this.directory = resolve(directory);
    mkdirSync(this.directory, { recursive: true });
    // A run that was killed has left it mounted.
    if (mounts().includes(this.directory)) this.resize(SIZE_BYTES);
    else run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES},mode=0755`, 'order-events-chaos', this.directory]);
  }

  /** From now on there is no space left. */
  fill(): void {
    for (let tries = 1; ; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.directory);
      try {
        return this.resize((blocks - bfree) * bsize);
      } catch (error) {
        if (tries === FILL_TRIES) throw error;
      }
    }
  }

  /** There is space again. */
  free(): void {
    this.resize(SIZE_BYTES);
  }

  /** With all that is on it. To be called when nobody uses it any more. */
  unmount(): void {
    run('umount', [this.directory]);
  }

  private resize(bytes: number): void {
    run('mount', ['-o', `remount,size=${bytes}`, this.directory]);
  }
}

function mounts(): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${(error?.message ?? stderr).trim()}`);
}
