import { timeOf } from '../event-id';
import type { AuditStore, Published } from '../ports/audit-store';
import type { Runtime } from '../ports/runtime';
import type { ResendBudget } from './budget';

/** How long an event is given to arrive before anybody asks for it. */
const AGE_MS = 30_000;

/** With the time by which all before it had been published, milliseconds since 1970. */
export interface Aged extends Published {
  at: number;
}

/**
 * How far the relay had published at least 30 s ago. By the time at which its place was seen there, and not by that of
 * the records: those of an hour may wait for a broker that was away, and then are no older than their publication.
 */
export class AgedMark {
  private aged: Aged | undefined;
  private young: { published: Aged | undefined; seenAt: number } | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly store: Pick<AuditStore, 'published'>,
    private readonly runtime: Runtime,
    private readonly budget: ResendBudget,
  ) {}

  /** undefined: not known yet. */
  async read(): Promise<Aged | undefined> {
    if (this.young === undefined || this.runtime.elapsed() - this.young.seenAt >= AGE_MS) {
      // The audits of several groups share the look of the first.
      await (this.looking ??= this.look().finally(() => (this.looking = undefined)));
    }
    return this.aged;
  }

  /** By the clock that event ids are made by, with which it is compared; milliseconds since 1970. */
  now(): number {
    return timeOf(this.runtime.eventId());
  }

  private async look(): Promise<void> {
    const published = await this.store.published();
    // Afterwards: what was published while we asked may be in the answer.
    const seenAt = this.runtime.elapsed();
    this.aged = this.young?.published;
    this.young = { published: published && { ...published, at: this.now() }, seenAt };
    if (published) this.budget.observe(published.position, seenAt);
  }
}
