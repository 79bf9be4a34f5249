import { randomUUID } from 'node:crypto';
import {
  backoff,
  isFull,
  systemRuntime,
  type LogRecord,
  type Message,
  type Subscribe,
  type Subscription,
} from '@order-events/messaging';
import { LogCursors, type Database, type Listener, type Wake } from '@order-events/store';
import { Calls, type Page } from './calls';
import { LEASE_MS, Membership } from './membership';
import { PARTITIONS } from './partition';

export interface ConsumerOptions extends Subscribe {
  database: Database;
  wake: Wake;
  /** Goes before the names of topics and groups. */
  prefix: string;
  onError(error: Error): void;
}

/** The truth behind the wake-ups, which may get lost. */
const POLL_MS = 500;
/**
 * How long a round waits for its calls. What comes meanwhile goes together into the next round, in few transactions; a call
 * that lasts longer is held up by something, and so would all others be.
 */
const PATIENCE_MS = 100;

/** One member of a group, or one follower of a broadcast: reads its partitions round by round. */
export class Consumer implements Subscription {
  /** Resolves when it is known where to begin, or could not be learned at once. */
  readonly started: Promise<void>;
  private start!: () => void;
  private readonly stop = new AbortController();
  private readonly topics: readonly string[];
  private readonly cursors: LogCursors;
  private readonly membership: Membership | undefined;
  private readonly calls: Calls;
  private readonly listener: Listener;
  private readonly running: Promise<void>;
  /** Partitions to look at. Whoever has waited longest comes first. */
  private readonly due = new Set<number>();
  private polledAll = -Infinity;

  constructor(private readonly options: ConsumerOptions) {
    const { database, wake, prefix, group, topics } = options;
    this.started = new Promise((resolve) => (this.start = resolve));
    const member = randomUUID();
    const reader = group === null ? `broadcast ${member}` : prefix + group;
    this.topics = topics.map((topic) => prefix + topic);
    this.cursors = new LogCursors({
      database,
      log: 'log',
      reader,
      owner: member,
      backend: () => wake.connected(),
    });
    if (group !== null) this.membership = new Membership({ database, wake, cursors: this.cursors, reader, member });
    this.listener = wake.listen('log');
    this.calls = new Calls({
      ...options,
      handle: options.acknowledgeFirst ? (batch) => this.handOnce(batch) : options.handle,
      message: (record) => withoutPrefix(record, prefix),
      ended: () => this.listener.arrive([]),
    });
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
        await this.settle();
        await this.membership?.balance(this.calls.held);
        if (!this.membership && this.cursors.partitions.length === 0)
          await this.cursors.follow(PARTITIONS, this.topics);
        this.start();
        await this.news(signal);
        if (!signal.aborted) await this.round();
        failures = 0;
      } catch (error) {
        this.start();
        this.options.onError(error as Error);
        // Places of a group may be somebody else's by now; a follower's are nowhere but here.
        if (this.membership) this.cursors.forget(this.settled());
        else this.cursors.rewind(this.settled());
        await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
      }
    }
    await this.end();
  }

  /** Waits until there is something to look at. */
  private async news(signal: AbortSignal): Promise<void> {
    const idle = this.ready().length === 0;
    const news = await this.listener.wait(idle ? POLL_MS : 0, signal);
    // A batch that would be small waits a little for more.
    if (idle && news.length > 0) await systemRuntime.sleep(this.options.waitMs, signal);
    const isTime = performance.now() - this.polledAll >= POLL_MS;
    if (isTime) this.polledAll = performance.now();
    for (const partition of isTime ? this.cursors.partitions : news.map(Number)) this.due.add(partition);
  }

  private async round(): Promise<void> {
    const ready = this.ready();
    if (ready.length === 0) return;
    const limit = Math.floor(this.calls.room / ready.length);
    for (const partition of ready) this.due.delete(partition);
    const pages = [...(await this.cursors.poll(limit, ready))];
    // There is more, without any wake-up.
    for (const [partition, page] of pages) if (isFull(page, limit)) this.due.add(partition);
    const found = pages.filter(([, page]) => page.length > 0);
    const ours = this.options.acknowledgeFirst ? await this.acknowledged(found) : found;
    await noLongerThan(PATIENCE_MS, this.calls.start(ours));
  }

  private async handOnce(batch: readonly Message[]): Promise<void> {
    try {
      await this.options.handle(batch);
    } catch (error) {
      this.options.onError(error as Error);
    }
  }

  /** Makes lasting that these are read, each for itself, and returns those of which it is. */
  private async acknowledged(pages: readonly Page[]): Promise<Page[]> {
    const { database, onError } = this.options;
    const saves = await Promise.allSettled(pages.map(([partition]) => this.cursors.save(database, [partition])));
    return pages.filter(([partition], index) => {
      const save = saves[index]!;
      if (save.status === 'fulfilled') return true;
      onError(save.reason as Error);
      this.cursors.forget([partition]);
      return false;
    });
  }

  /** Makes lasting what was handled, and goes back to what was not. */
  private async settle(): Promise<void> {
    const ended = this.calls.collect();
    if (ended.length === 0) return;
    this.cursors.rewind(ended.filter(({ handled }) => !handled).flatMap(({ partitions }) => partitions));
    await this.cursors.save(this.options.database, this.settled());
  }

  /** Leaves to the others what is in no call, at once, and the rest when its call has ended. */
  private async end(): Promise<void> {
    const { onError } = this.options;
    await this.leave();
    while (this.calls.areRunning) {
      await noLongerThan(LEASE_MS / 3, this.calls.idle());
      await this.leave();
      if (this.membership) await this.cursors.renew(LEASE_MS).catch(onError);
    }
  }

  private async leave(): Promise<void> {
    const { onError } = this.options;
    await this.settle().catch(onError);
    await this.membership?.leave(this.calls.held).catch(onError);
  }

  /** Own partitions of which nothing is in a call. */
  private settled(): number[] {
    return this.cursors.partitions.filter((partition) => !this.calls.held.has(partition));
  }

  /** Partitions to look at of which there may be something handed over now. */
  private ready(): number[] {
    const settled = new Set(this.settled());
    return [...this.due].filter((partition) => settled.has(partition)).slice(0, this.calls.room);
  }
}

function withoutPrefix({ topic, key, headers, body }: LogRecord, prefix: string): Message {
  return { topic: topic.slice(prefix.length), key, headers, body };
}

/** Waits for it `ms` at most. */
async function noLongerThan(ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, systemRuntime.sleep(ms, over.signal)]);
  over.abort();
}
