import { randomUUID } from 'node:crypto';
import {
  backoff,
  systemRuntime,
  type LogRecord,
  type Message,
  type Subscribe,
  type Subscription,
} from '@order-events/messaging';
import { LogCursors, type Database, type Listener, type Wake } from '@order-events/store';
import { LEASE_MS, Membership } from './membership';
import { PARTITIONS } from './partition';

export interface ConsumerOptions extends Subscribe {
  database: Database;
  wake: Wake;
  onError(error: Error): void;
}

/** The truth behind the wake-ups, which may get lost. */
const POLL_MS = 500;

/** One member of a group, or one follower of a broadcast: reads its partitions round by round. */
export class Consumer implements Subscription {
  private readonly stop = new AbortController();
  private readonly cursors: LogCursors;
  private readonly membership: Membership | undefined;
  private readonly listener: Listener;
  private readonly running: Promise<void>;
  /** Partitions that had to wait, or whose last page was full: there is more, without any wake-up. */
  private unfinished: number[] = [];
  private polledAll = -Infinity;

  constructor(private readonly options: ConsumerOptions) {
    const { database, wake, group } = options;
    const member = randomUUID();
    const reader = group ?? `broadcast ${member}`;
    this.cursors = new LogCursors({
      database,
      log: 'log',
      reader,
      owner: member,
      backend: () => wake.connected(),
    });
    if (group !== null) this.membership = new Membership({ database, wake, cursors: this.cursors, reader, member });
    this.listener = wake.listen('log');
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
    this.options.wake.unlisten('log', this.listener);
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.membership?.balance();
        if (!this.membership && this.cursors.partitions.length === 0)
          await this.cursors.follow(PARTITIONS, this.options.topics);
        await this.round(await this.news(signal), signal);
        failures = 0;
      } catch (error) {
        this.options.onError(error as Error);
        // Places of a group may be somebody else's by now; a follower's are nowhere but here.
        if (this.membership) this.cursors.forget();
        else this.cursors.rewind(this.cursors.partitions);
        await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
      }
    }
    await this.membership?.leave().catch((error: unknown) => this.options.onError(error as Error));
  }

  /** Waits until there is something to look at; returns the partitions. */
  private async news(signal: AbortSignal): Promise<number[]> {
    const idle = this.unfinished.length === 0;
    const news = await this.listener.wait(idle ? POLL_MS : 0, signal);
    // A batch that would be small waits a little for more.
    if (idle && news.length > 0) await systemRuntime.sleep(this.options.waitMs, signal);
    const own = this.cursors.partitions;
    const isTime = performance.now() - this.polledAll >= POLL_MS;
    if (isTime) this.polledAll = performance.now();
    // Whoever had to wait comes first.
    const due = new Set([...this.unfinished, ...(isTime ? own : news.map(Number))]);
    return [...due].filter((partition) => own.includes(partition));
  }

  private async round(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    this.unfinished = [];
    if (partitions.length === 0 || signal.aborted) return;
    const now = partitions.slice(0, this.options.inFlight);
    const limit = Math.floor(this.options.inFlight / now.length);
    const pages = await this.cursors.poll(limit, now);
    const full = [...pages].filter(([, page]) => page.length === limit).map(([partition]) => partition);
    this.unfinished = [...partitions.slice(now.length), ...full];
    const lanes = this.lanes([...pages].filter(([, page]) => page.length > 0));
    if (lanes.length === 0) return;
    const renewal = setInterval(() => this.renew(), LEASE_MS / 3);
    try {
      const failed = (await Promise.all(lanes.map((lane) => this.handle(lane)))).flat();
      this.cursors.rewind(failed);
    } finally {
      clearInterval(renewal);
    }
    await this.cursors.save();
  }

  /**
   * Deals the pages out, each partition to one lane, so that no key is in two at once. Few events go together: what a
   * transaction costs, it costs once for all of them.
   */
  private lanes(pages: readonly (readonly [number, LogRecord[]])[]): (readonly [number, LogRecord[]])[][] {
    const events = pages.reduce((sum, [, page]) => sum + page.length, 0);
    const count = Math.min(this.options.parallel, Math.ceil(events / this.options.batch));
    const lanes: (readonly [number, LogRecord[]])[][] = [];
    for (const [index, page] of pages.entries()) (lanes[index % count] ??= []).push(page);
    return lanes;
  }

  /** Hands a lane over, batch by batch; returns its partitions if the handler could not take it. */
  private async handle(lane: readonly (readonly [number, LogRecord[]])[]): Promise<number[]> {
    const messages = lane.flatMap(([, page]) => page.map(message));
    try {
      for (let start = 0; start < messages.length; start += this.options.batch) {
        await this.options.handle(messages.slice(start, start + this.options.batch));
      }
      return [];
    } catch (error) {
      this.options.onError(error as Error);
      return lane.map(([partition]) => partition);
    }
  }

  private renew(): void {
    if (!this.membership) return;
    this.cursors.renew(LEASE_MS).catch((error: unknown) => this.options.onError(error as Error));
  }
}

function message({ topic, key, headers, body }: LogRecord): Message {
  return { topic, key, headers, body };
}
