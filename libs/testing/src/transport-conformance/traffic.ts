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
  private published = 0;
  /** Published more than once, as the broker had not said that it was stored. */
  private readonly resent = new Set<number>();
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
  }

  start(): void {
    this.running = Promise.all(this.publishers.map((_, index) => this.goOn(index)));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  /** Resolves when so many more have been handled than now. */
  async passes(count: number): Promise<void> {
    const enough = this.handled.size + count;
    await eventually(() => this.handled.size >= enough);
  }

  /** Resolves when all that was published has been handled. */
  async arrives(): Promise<void> {
    await eventually(() => this.handled.size === this.published);
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
    await eventually(async () => {
      const settlements = await this.publishers[publisher]!.publish(open);
      open = open.filter((_, index) => !settlements[index]!.stored);
      for (const message of open) this.resent.add(numberOf(message));
      return open.length === 0;
    });
  }

  /** Of keys, what is declared of them only. */
  get account() {
    const { published, handled, deliveries, resent, wrong, publishers } = this;
    const again = deliveries - handled.size;
    const keys = publishers[0]!.capabilities.order === 'key' ? wrong : { disorder: 0, overlaps: 0 };
    return { lost: published - handled.size, again, mayComeAgain: resent.size, ...keys };
  }

  private async goOn(publisher: number): Promise<void> {
    while (!this.isOver) {
      await this.publish(publisher, 20);
      await eventually(() => this.isOver || this.published - this.handled.size < MOST_OPEN);
      // Whoever answers at once would else leave nobody a turn to notice that it is over.
      await setImmediate();
    }
  }

  private note(key: string, number: number): void {
    if (number < (this.latest.get(key) ?? -1)) this.wrong.disorder++;
    this.latest.set(key, number);
    this.handled.add(number);
  }
}
