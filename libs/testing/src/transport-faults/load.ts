import { setImmediate } from 'node:timers/promises';
import type { Message, Settlement, Transport } from '@order-events/messaging';
import { eventually } from '../eventually';
import { numbered, Seen } from '../transport-load';

/** What became of all that was published, in messages. */
export interface Account {
  published: number;
  /** Of these the broker has said that they are stored. */
  proved: number;
  /** Proved, and never handled. */
  lost: number;
  /** Handled without having been proved: the broker had them, and could not say so. */
  unproved: number;
  /** Deliveries of what had been handled before. */
  again: number;
  /** How often something was published again, for nobody had said that it was stored: the broker may have it that often more. */
  resent: number;
}

/** So many that were proved may wait to be handled before who sends under load waits for the members. */
const MOST_OPEN = 2_000;
/** It waits for so long at most, as what is open may be lost; then it goes on slowly, with twenty at a time. */
const PATIENCE_MS = 500;

/** Publishes, and keeps count of what was proved to be stored and of what the members of the group have handled. */
export class Load {
  private readonly members: Seen[] = [];
  private readonly proved = new Set<number>();
  private resent = 0;
  private published = 0;
  private hasEnded = false;

  /** What one more member handles. */
  counted(): Seen {
    const seen = new Seen();
    this.members.push(seen);
    return seen;
  }

  /** Publishes each once, whatever becomes of it. */
  offer(publisher: Transport, count: number, body?: Uint8Array): Promise<Settlement[]> {
    return this.publish(publisher, this.fresh(count, body));
  }

  /** Publishes as the relay does: each until it is proved. */
  async send(publisher: Transport, count: number): Promise<void> {
    let open = this.fresh(count);
    await this.until(async () => {
      const batch = open.slice(0, 20);
      const settlements = await this.publish(publisher, batch);
      const unproved = batch.filter((_, index) => !settlements[index]!.stored);
      this.resent += unproved.length;
      open = [...unproved, ...open.slice(20)];
      return open.length === 0;
    });
    // Whoever answers at once, without having asked the broker, would else leave nobody else a turn.
    await setImmediate();
  }

  /** Publishes in the same way all the while. Resolves when all of that is proved. */
  async sendDuring(publisher: Transport, meanwhile: () => Promise<void>): Promise<void> {
    let isOver = false;
    const sending = async () => {
      while (!isOver) {
        await this.send(publisher, 20);
        const since = performance.now();
        await this.until(() => isOver || this.account.lost < MOST_OPEN || performance.now() - since > PATIENCE_MS);
      }
    };
    await Promise.all([sending(), meanwhile().finally(() => (isOver = true))]);
  }

  /** Lets nobody send or wait any longer. */
  end(): void {
    this.hasEnded = true;
  }

  /** Resolves when so many more have been proved than now, and more have been handled. */
  async passes(count: number): Promise<void> {
    const [proved, handled] = [this.proved.size + count, this.handled.size];
    await this.until(() => this.proved.size >= proved && this.handled.size > handled);
  }

  /** Resolves when all that was proved has been handled, but for so many. */
  async arrives(mayBeLost = 0): Promise<void> {
    await this.until(() => this.account.lost <= mayBeLost);
  }

  /** Publishes until they have seen something that is published now. */
  async reaches(seen: Seen, publisher: Transport): Promise<void> {
    const from = this.published;
    while (![...seen.numbers].some((number) => number >= from)) await this.send(publisher, 1);
  }

  get account(): Account {
    const { published, proved, handled, members, resent } = this;
    const lost = [...proved].filter((number) => !handled.has(number)).length;
    const deliveries = members.reduce((sum, { total }) => sum + total, 0);
    const unproved = handled.size - (proved.size - lost);
    const again = deliveries - handled.size;
    return { published, proved: proved.size, lost, unproved, again, resent };
  }

  private async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(() => {
      if (this.hasEnded) throw new Error('the test has ended');
      return condition();
    });
  }

  private get handled(): Set<number> {
    return new Set(this.members.flatMap(({ numbers }) => [...numbers]));
  }

  private fresh(count: number, body?: Uint8Array): Message[] {
    const from = this.published;
    this.published += count;
    return Array.from({ length: count }, (_, index) => numbered(from + index, body));
  }

  private async publish(publisher: Transport, batch: readonly Message[]): Promise<Settlement[]> {
    const settlements = await publisher.publish(batch);
    settlements.forEach(({ stored }, index) => stored && this.proved.add(Number(batch[index]!.headers['number'])));
    return settlements;
  }
}
