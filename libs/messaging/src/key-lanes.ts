export interface KeyLanesOptions<T> {
  /** Most items in one call. */
  batch: number;
  /** How long a batch that is not full waits for more, milliseconds. */
  waitMs: number;
  /** Most items in calls. */
  inFlight: number;
  /** Most calls at the same time. */
  parallel: number;
  /** Takes a batch. It settles what it was given, and never rejects. */
  run(items: readonly T[]): Promise<void>;
}

/**
 * Deals what arrives out into calls, so that no key is in two of them at once: for transports whose broker gives no order.
 * Of one key the calls are in the order of arrival.
 */
export class KeyLanes<T extends { key: string }> {
  private waiting: { item: T; since: number }[] = [];
  private readonly busy = new Set<string>();
  private readonly calls = new Set<Promise<void>>();
  private handed = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: KeyLanesOptions<T>) {}

  add(item: T): void {
    this.waiting.push({ item, since: performance.now() });
    if (this.timer === undefined || this.waiting.length >= this.options.batch) this.deal();
  }

  /** Takes away what is in no call. */
  clear(): T[] {
    clearTimeout(this.timer);
    this.timer = undefined;
    return this.waiting.splice(0).map(({ item }) => item);
  }

  /** Resolves when the running calls have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.calls);
  }

  private deal(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { batch, waitMs, inFlight, parallel } = this.options;
    while (this.calls.size < parallel && this.waiting.length > 0) {
      const left = this.waiting[0]!.since + waitMs - performance.now();
      if (this.waiting.length < batch && left > 0) {
        this.timer = setTimeout(() => this.deal(), Math.ceil(left));
        return;
      }
      // What a lost connection had delivered may still be in a call when it comes again.
      const items = this.take(Math.min(batch, inFlight - this.handed));
      if (items.length === 0) return;
      this.start(items);
    }
  }

  /** The oldest whose keys are in no call, and of one key never a later one before an earlier one. */
  private take(limit: number): T[] {
    const taken: T[] = [];
    const passedOver = new Set(this.busy);
    this.waiting = this.waiting.filter(({ item }) => {
      if (taken.length < limit && !passedOver.has(item.key)) {
        taken.push(item);
        return false;
      }
      passedOver.add(item.key);
      return true;
    });
    return taken;
  }

  private start(items: readonly T[]): void {
    for (const { key } of items) this.busy.add(key);
    this.handed += items.length;
    const call = this.options.run(items).then(() => {
      for (const { key } of items) this.busy.delete(key);
      this.handed -= items.length;
      this.calls.delete(call);
      this.deal();
    });
    this.calls.add(call);
  }
}
