import { setTimeout as sleep } from 'node:timers/promises';

/** A process that has been started. */
export interface Running {
  pid: number;
  /** Resolves with how it ended. */
  exited: Promise<string>;
  /** Ends it in order, and resolves when it has ended. */
  stop(): Promise<void>;
}

const firstDelayMs = 200;
const longestDelayMs = 5_000;
const longLifeMs = 10_000;

/** How long to wait before a process is started again that waited `previousMs` the time before, and then lived `lifeMs`. */
export function restartDelay(previousMs: number | undefined, lifeMs: number): number {
  if (previousMs === undefined || lifeMs >= longLifeMs) return firstDelayMs;
  return Math.min(previousMs * 2, longestDelayMs);
}

/** Keeps one process alive: whenever it ends by itself it is started again, after a pause that grows. */
export class Supervised {
  private running: Running | undefined;
  private readonly ending = new AbortController();
  private life: Promise<void> = Promise.resolve();
  /** How often it has ended by itself or could not be started. */
  failures = 0;

  constructor(
    private readonly launch: () => Promise<Running>,
    /** Told everything that a reader of the log should know. */
    private readonly say: (line: string) => void,
    /** Called when the pid has changed. */
    private readonly changed: () => void,
  ) {}

  get pid(): number | undefined {
    return this.running?.pid;
  }

  /** Rejects when the first start fails. */
  async start(): Promise<void> {
    const first = this.launch();
    this.life = first.then(
      (running) => this.keepAlive(running),
      () => undefined, // the caller has the error
    );
    await first;
  }

  /** Sends a signal to the process. Throws when there is none at the moment. */
  kill(signal: NodeJS.Signals): void {
    if (!this.running) throw new Error('The process is being started again.');
    send(this.running.pid, signal);
  }

  /** Ends the process in order, for good. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running?.stop();
    await this.life;
  }

  /** Ends the process at once, for good. */
  destroy(): void {
    this.ending.abort();
    if (this.running) send(this.running.pid, 'SIGKILL');
  }

  private async keepAlive(first: Running): Promise<void> {
    const { signal } = this.ending;
    let delayMs: number | undefined;
    let next: Running | undefined = first;
    for (;;) {
      const born = performance.now();
      const how: string = next ? await this.live(next) : 'could not be started';
      if (signal.aborted) return;
      this.failures += 1;
      delayMs = restartDelay(delayMs, performance.now() - born);
      this.say(`${how}; starting it again in ${delayMs / 1000} s`);
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      next = await this.launch().catch((error: Error) => {
        this.say(error.message);
        return undefined;
      });
    }
  }

  /** Resolves with how the process ended. One that came up while it was being ended is stopped at once. */
  private async live(running: Running): Promise<string> {
    this.running = running;
    this.changed();
    if (this.ending.signal.aborted) await running.stop();
    const how = await running.exited;
    this.running = undefined;
    this.changed();
    return how;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has just ended, and we have not been told yet.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
