export interface LanesOptions<T> {
  batch: number;
  inFlight: number;
  parallel: number;
  /**
   * Takes a batch and settles it. Resolves to whether it was handled, never rejects.
   * @param failures how often in succession the lanes of this batch have failed
   */
  run(items: readonly T[], failures: number): Promise<boolean>;
}

/** What came together: of one partition, in order. */
interface Portion {
  open: number;
  settled(): void;
}

interface Waiting<T> {
  item: T;
  portion: Portion;
}

interface Lane<T> {
  waiting: Waiting<T>[];
  busy: boolean;
  failures: number;
}

/** Deals out into calls what was fetched, by the number of the partition, so that no key is in two calls at once. */
export class Lanes<T> {
  /** Whose turn was longest ago comes first. */
  private readonly lanes = new Map<number, Lane<T>>();
  private readonly calls = new Set<Promise<void>>();
  private inFlight = 0;
  /** For so many reasons no call may start. */
  private bars = 0;

  constructor(private readonly options: LanesOptions<T>) {}

  get active(): boolean {
    return this.calls.size > 0;
  }

  /** Whether something waits for nothing but a free call. */
  get crowded(): boolean {
    return [...this.lanes.values()].some(({ busy, waiting }) => !busy && waiting.length > 0);
  }

  /** Resolves when each of the items was in a call, or will be in none. */
  async add(number: number, items: readonly T[]): Promise<void> {
    if (this.bars > 0) return this.idle();
    const lane = this.lanes.get(number) ?? { waiting: [], busy: false, failures: 0 };
    this.lanes.set(number, lane);
    const settled = new Promise<void>((resolve) => {
      const portion = { open: items.length, settled: resolve };
      lane.waiting.push(...items.map((item) => ({ item, portion })));
    });
    // Together with what else the same fetch has brought.
    setImmediate(() => this.deal());
    return settled;
  }

  /** Starts no call with what is there. */
  drop(): void {
    for (const lane of this.lanes.values()) settle(lane.waiting.splice(0));
  }

  /** Starts no more calls. */
  stop(): void {
    this.bars++;
    this.drop();
  }

  /** Does that when the running calls have ended, and starts none until it is done. */
  async between(work: () => Promise<void>): Promise<void> {
    this.stop();
    try {
      await this.idle();
      await work();
    } finally {
      this.bars--;
    }
  }

  /** Resolves when the running calls have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.calls);
  }

  private deal(): void {
    const { batch, inFlight, parallel } = this.options;
    while (this.calls.size < parallel) {
      const { taken, lanes } = this.take(Math.min(batch, inFlight - this.inFlight));
      if (taken.length === 0) return;
      this.start(taken, lanes);
    }
  }

  private take(limit: number): { taken: Waiting<T>[]; lanes: Lane<T>[] } {
    const taken: Waiting<T>[] = [];
    const lanes: Lane<T>[] = [];
    // One call that is held must leave partitions to the others.
    const share = Math.ceil(this.lanes.size / this.options.parallel);
    for (const [number, lane] of [...this.lanes]) {
      if (lane.busy || lane.waiting.length === 0) continue;
      // What has failed goes alone, and takes nobody along with it.
      if (lane.failures > 0 && lanes.length > 0) continue;
      if (taken.length >= limit || lanes.length >= share) break;
      taken.push(...lane.waiting.splice(0, limit - taken.length));
      lanes.push(lane);
      lane.busy = true;
      this.lanes.delete(number);
      this.lanes.set(number, lane);
      if (lane.failures > 0) break;
    }
    return { taken, lanes };
  }

  private start(taken: Waiting<T>[], lanes: readonly Lane<T>[]): void {
    this.inFlight += taken.length;
    const items = taken.map(({ item }) => item);
    const call = this.options.run(items, lanes[0]!.failures).then((handled) => {
      this.inFlight -= taken.length;
      this.calls.delete(call);
      for (const lane of lanes) {
        lane.busy = false;
        lane.failures = handled ? 0 : lane.failures + 1;
        if (!handled) giveUp(lane, new Set(taken.map(({ portion }) => portion)));
      }
      settle(taken);
      this.deal();
    });
    this.calls.add(call);
  }
}

/** What came after the failed in the same partition comes again after it. */
function giveUp<T>(lane: Lane<T>, failed: ReadonlySet<Portion>): void {
  settle(lane.waiting.filter(({ portion }) => failed.has(portion)));
  lane.waiting = lane.waiting.filter(({ portion }) => !failed.has(portion));
}

function settle(some: readonly Waiting<unknown>[]): void {
  for (const { portion } of some) if (--portion.open === 0) portion.settled();
}
