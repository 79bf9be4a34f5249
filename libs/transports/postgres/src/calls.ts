import type { LogRecord, Message, Subscribe } from '@order-events/messaging';

/** What was read of one partition. */
export type Page = readonly [partition: number, records: readonly LogRecord[]];

export interface CallsOptions extends Pick<Subscribe, 'batch' | 'inFlight' | 'parallel' | 'handle'> {
  message(record: LogRecord): Message;
  /** A call has ended, and can be collected. */
  ended(): void;
  onError(error: Error): void;
}

export interface Ended {
  partitions: readonly number[];
  /** Or the handler could not take all of it. */
  handled: boolean;
}

/** The calls of the handler that run, and the partitions whose pages are in them. */
export class Calls {
  private readonly running = new Set<Promise<void>>();
  private readonly inCalls = new Set<number>();
  private inFlight = 0;
  private ended: Ended[] = [];

  constructor(private readonly options: CallsOptions) {}

  /** Nothing more is to be read of these, nor their place to be saved: what was read of them is not settled yet. */
  get held(): ReadonlySet<number> {
    return this.inCalls;
  }

  /** How many events may be handed over now. */
  get room(): number {
    const { parallel, inFlight } = this.options;
    return this.running.size < parallel ? inFlight - this.inFlight : 0;
  }

  get areRunning(): boolean {
    return this.running.size > 0;
  }

  /** Hands the pages over; resolves when all these calls have ended. */
  async start(pages: readonly Page[]): Promise<void> {
    await Promise.all(this.deal(pages).map((lane) => this.call(lane)));
  }

  /** Resolves when no call runs any more. */
  async idle(): Promise<void> {
    await Promise.all(this.running);
  }

  /** What has ended since the last time; its partitions are held no more. */
  collect(): Ended[] {
    const ended = this.ended.splice(0);
    for (const { partitions } of ended) for (const partition of partitions) this.inCalls.delete(partition);
    return ended;
  }

  /**
   * Each partition goes to one lane, so that no key is in two at once, and to as many as may run: one call that is held
   * must leave partitions to the others.
   */
  private deal(pages: readonly Page[]): Page[][] {
    const count = Math.min(this.options.parallel - this.running.size, pages.length);
    const lanes: Page[][] = [];
    for (const [index, page] of pages.entries()) (lanes[index % count] ??= []).push(page);
    return lanes;
  }

  private call(lane: readonly Page[]): Promise<void> {
    const partitions = lane.map(([partition]) => partition);
    const size = sizeOf(lane);
    for (const partition of partitions) this.inCalls.add(partition);
    this.inFlight += size;
    const call = this.hand(lane).then((handled) => {
      this.inFlight -= size;
      this.running.delete(call);
      this.ended.push({ partitions, handled });
      this.options.ended();
    });
    this.running.add(call);
    return call;
  }

  /** Batch by batch. Never rejects. */
  private async hand(lane: readonly Page[]): Promise<boolean> {
    const { batch, message, handle, onError } = this.options;
    const messages = lane.flatMap(([, records]) => records.map(message));
    try {
      for (let start = 0; start < messages.length; start += batch) await handle(messages.slice(start, start + batch));
      return true;
    } catch (error) {
      onError(error as Error);
      return false;
    }
  }
}

const sizeOf = (pages: readonly Page[]) => pages.reduce((sum, [, records]) => sum + records.length, 0);
