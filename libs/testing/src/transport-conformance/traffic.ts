import { setImmediate } from 'node:timers/promises';
import type { Message, Transport } from '@order-events/messaging';
import { eventually } from '../eventually';
import { numberOf, type Bench } from './bench';

/** Who publishes waits while so many have not been handled yet. */
const MOST_OPEN = 500;

/** Several who publish all the while, each with keys of its own, and an account of what the members make of it. */
export class Traffic {
  private readonly publishers: readonly Transport[];
  private running: Promise<unknown> = Promise.resolve();
  private isOver = false;
  /** Why there is nothing to wait for any more. */
  private failure?: Error;
  private published = 0;
  /** Each time that the broker had not said of a message that it was stored, and it was published again. */
  private readonly resent: number[] = [];
  private readonly handled = new Set<number>();
  private deliveries = 0;
  private readonly latest = new Map<string, number>();
  private readonly busy = new Set<string>();
  private readonly wrong = { disorder: 0, overlaps: 0 };

  constructor(
    private readonly bench: Bench,
    publishers: number,
  ) {
    this.publishers = Array.from({ length: publishers }, () => bench.connect());
    bench.atEnd(() => {
      this.isOver = true;
      this.failure ??= new Error('the test has ended');
    });
  }

  start(): void {
    const all = this.publishers.map((_, index) => this.goOn(index));
    this.running = Promise.all(all).catch((error: Error) => (this.failure ??= error));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
    if (this.failure) throw this.failure;
  }

  /** Resolves when so many more have been handled than now. */
  async passes(count: number): Promise<void> {
    const enough = this.handled.size + count;
    await this.until(() => this.handled.size >= enough);
  }

  /** Resolves when all that was published has been handled, or the rest is nowhere any more. */
  async arrives(): Promise<void> {
    await this.until(async () => this.handled.size === this.published || (await this.isNothingLeft()));
  }

  /** Rejects when a publisher has failed, without which nothing may come any more. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(() => {
      if (this.failure) throw this.failure;
      return condition();
    });
  }

  /** What a member does with a batch: takes note of it, and then whatever takes it so long. */
  readonly handle = async (batch: readonly Message[], work: Promise<unknown> = setImmediate()): Promise<void> => {
    const keys = new Set(batch.map(({ key }) => key));
    for (const key of keys) if (this.busy.has(key)) this.wrong.overlaps++;
    for (const key of keys) this.busy.add(key);
    this.deliveries += batch.length;
    for (const message of batch) this.note(message.key, numberOf(message));
    await work;
    for (const key of keys) this.busy.delete(key);
  };

  /** Publishes so many until each is stored. */
  async publish(publisher: number, count: number): Promise<void> {
    let open = this.bench
      .messages(this.published, count, 13)
      .map((message) => ({ ...message, key: `${publisher}-${message.key}` }));
    this.published += count;
    await this.until(async () => {
      const settlements = await this.publishers[publisher]!.publish(open);
      open = open.filter((_, index) => !settlements[index]!.stored);
      this.resent.push(...open.map(numberOf));
      return open.length === 0;
    });
  }

  /** Of keys, what is declared of them only. */
  get account() {
    const { published, handled, deliveries, resent, wrong, publishers } = this;
    const again = deliveries - handled.size;
    const keys = publishers[0]!.capabilities.order === 'key' ? wrong : { disorder: 0, overlaps: 0 };
    return { published, lost: published - handled.size, again, mayComeAgain: resent.length, ...keys };
  }

  private async goOn(publisher: number): Promise<void> {
    while (!this.isOver) {
      await this.publish(publisher, 20);
      await this.until(() => this.isOver || this.published - this.handled.size < MOST_OPEN);
      // Whoever answers at once would else leave nobody a turn to notice that it is over.
      await setImmediate();
    }
  }

  /** Looks twice, as what is under way from one hand to another may be in neither. Who does not answer may have something. */
  private async isNothingLeft(): Promise<boolean> {
    const before = this.deliveries;
    const isLeft = () => this.bench.isAnythingLeft().catch(() => true);
    return !(await isLeft()) && !(await isLeft()) && this.deliveries === before;
  }

  /** What was published again comes when it comes. */
  private note(key: string, number: number): void {
    const latest = this.latest.get(key) ?? -1;
    if (number < latest && !this.resent.includes(number)) this.wrong.disorder++;
    this.latest.set(key, Math.max(number, latest));
    this.handled.add(number);
  }
}
