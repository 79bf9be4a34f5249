import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@order-events/testing';

/** A program of this folder as a process of its own. */
export class Child {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  private readonly closed: Promise<unknown>;

  /** @param env all that it finds in its environment, besides what Node needs. */
  constructor(program: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const typescript = require.resolve('@order-events/testing/typescript.cjs');
    this.process = spawn(
      process.execPath,
      ['-C', '@order-events/source', '-r', typescript, join(__dirname, program), ...args],
      { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    );
    this.process.stdout!.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.process.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    // Not its "close", which does not come once the channel between us was closed from here.
    const { stdout, stderr } = this.process;
    this.closed = Promise.all([once(this.process, 'exit'), once(stdout!, 'close'), once(stderr!, 'close')]);
  }

  /** @throws if it ends before it says so. */
  async says(text: string): Promise<void> {
    await eventually(() => {
      if (this.process.exitCode !== null) throw new Error(`it ended without saying ${text}: ${this.stderr}`);
      return this.stdout.includes(text);
    });
  }

  async exitCode(): Promise<number | null> {
    await this.closed;
    return this.process.exitCode;
  }
}
