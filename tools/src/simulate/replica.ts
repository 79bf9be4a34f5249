import type { Service } from '@order-events/contracts';
import type { Runtime } from '@order-events/messaging';
import type { Faults } from './faults';
import type { Random } from './random';
import type { Owner, Scheduler } from './scheduler';

/** 2026-11-01: where all clocks begin, so that event ids and times look like those of real ones. */
export const EPOCH_MS = Date.UTC(2026, 10, 1);

export interface Surroundings {
  scheduler: Scheduler<Replica>;
  random: Random;
  faults: Faults;
}

/** One process of a service. When it dies, whatever waits to happen in it never does. */
export class Replica implements Owner {
  alive = true;
  pausedUntil = 0;
  /** Virtual milliseconds. */
  readonly startedAt: number;
  readonly runtime: Runtime;
  private readonly ends: (() => void)[] = [];

  constructor(
    readonly name: string,
    readonly service: Service,
    private readonly around: Surroundings,
    /** It knows a version of the events that others do not know yet, and tells it. */
    readonly isAhead = false,
  ) {
    const { scheduler, random } = around;
    this.startedAt = scheduler.now;
    this.runtime = {
      elapsed: () => scheduler.now,
      random: () => random.next(),
      eventId: () => eventId(EPOCH_MS + scheduler.now, random),
      sleep: (ms, signal) => this.sleep(ms, signal),
      timeout: (ms) => {
        const over = new AbortController();
        scheduler.after(ms, this, 'timeout', () => over.abort());
        return over.signal;
      },
    };
  }

  /** A moment at which everybody else may come first, and at which this process may die. */
  step(label: string, detail = ''): Promise<void> {
    const { scheduler, faults } = this.around;
    return new Promise((resolve) => scheduler.after(faults.latency(), this, label, resolve, detail));
  }

  /** What the rest of the world notices of the end of this process. */
  onEnd(notice: () => void): void {
    this.ends.push(notice);
  }

  die(): void {
    this.alive = false;
    for (const notice of this.ends) notice();
  }

  private sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const { scheduler, faults } = this.around;
    return new Promise((resolve) => {
      const task = scheduler.after(faults.slept(ms), this, 'wake', () => {
        signal?.removeEventListener('abort', rouse);
        resolve();
      });
      const rouse = () => {
        task.cancelled = true;
        scheduler.after(faults.latency(), this, 'wake', resolve);
      };
      signal?.addEventListener('abort', rouse, { once: true });
    });
  }
}

/** A UUIDv7 of virtual time and chance by seed. */
function eventId(ms: number, random: Random): string {
  const time = Math.floor(ms).toString(16).padStart(12, '0');
  const hex = (digits: number) =>
    random
      .below(16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}
