import type { Store } from '@order-events/messaging';
import { Problem } from '@order-events/service-kit';

const MOST_MS = 10_000;

/** How far the relay is behind, read in the background: no request waits for the figure. */
export class OutboxAge {
  private oldestMs = 0;

  constructor(private readonly store: Pick<Store, 'outboxStatus'>) {}

  async refresh(): Promise<void> {
    this.oldestMs = (await this.store.outboxStatus()).oldestMs;
  }

  /** Orders come in faster than they can be told of. */
  get isOld(): boolean {
    return this.oldestMs > MOST_MS;
  }

  /** @throws Problem 503 while it is old. */
  assertYoung(): void {
    if (!this.isOld) return;
    throw new Problem(503, {
      kind: 'overloaded',
      detail: 'Orders cannot be passed on fast enough right now.',
      headers: { 'retry-after': '5' },
    });
  }
}
