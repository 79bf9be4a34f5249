export interface LanesOptions<T> {
  batch: number;
  waitMs: number;
  inFlight: number;
  parallel: number;
  /** Takes a batch. It settles what it was given, and never rejects. */
  run(items: readonly T[]): Promise<void>;
}

/** Deals what arrives out into calls, so that no key is in two of them at once. */
export class Lanes<T extends { key: string }> {
  private waiting: { item: T; since: number }[] = [];
  private readonly busy = new Set<string>();
  private readonly calls = new Set<Promise<void>>();
  private inFlight = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: LanesOptions<T>) {}

  add(item: T): void {
    this.waiting.push({ item, since: performance.now() });
    if (this.timer === undefined || this.waiting.length >= this.options.batch) this.deal();
  }

  /** To be called when nothing more is added: starts no more calls; returns what is in none. */
  stop(): T[] {
    clearTimeout(this.timer);
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
      const items = this.take(Math.min(batch, inFlight - this.inFlight));
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
    this.inFlight += items.length;
    for (const { key } of items) this.busy.add(key);
    const call = this.options.run(items).then(() => {
      this.inFlight -= items.length;
      for (const { key } of items) this.busy.delete(key);
      this.calls.delete(call);
      this.deal();
    });
    this.calls.add(call);
  }
}
