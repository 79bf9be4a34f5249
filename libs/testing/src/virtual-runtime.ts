import { randomUUID } from 'node:crypto';
import type { Runtime } from '@order-events/messaging';

/**
 * A clock that stands still while anything works, and jumps to the next sleeper's time when nothing does: minutes of
 * backing off pass in no time.
 */
export class VirtualRuntime implements Runtime {
  /** What `random` returns: by default backoffs take their full time. */
  chance = 0.999;
  private now = 0;
  private readonly sleepers = new Set<{ until: number; wake(): void }>();

  elapsed(): number {
    return this.now;
  }

  random(): number {
    return this.chance;
  }

  /** By its own clock. */
  eventId(): string {
    const time = Math.floor(this.now).toString(16).padStart(12, '0');
    const rest = randomUUID().replace(/^.{14}./, '7');
    return `${time.slice(0, 8)}-${time.slice(8)}-${rest}`;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { until: this.now + ms, wake };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
      setImmediate(() => this.jump());
    });
  }

  /** By the real clock: a call that works must not be cut off by the jump to somebody else's sleep. */
  timeout(ms: number): AbortSignal {
    return AbortSignal.timeout(ms);
  }

  /** Lets time pass by itself. */
  pass(ms: number): void {
    this.now += ms;
  }

  private jump(): void {
    const [next] = [...this.sleepers].sort((a, b) => a.until - b.until);
    if (!next) return;
    this.now = Math.max(this.now, next.until);
    next.wake();
  }
}
