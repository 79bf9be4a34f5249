import { KeyLanes, redeliveryPause, type Message, type Subscribe } from '@order-events/messaging';
import type { Word } from './words';

export interface HandsOptions extends Omit<Subscribe, 'group' | 'topics'> {
  onError(error: Error): void;
}

interface Held {
  key: string;
  message: Message;
  /** How often the handler has rejected it. */
  rejections: number;
}

/** The server sends what it has, whether there is room for it or not. So many are taken even if few are to be in flight. */
const LEAST_ROOM = 2_000;
/** Who has had no room for so long is not waited for: others must not stand still because of it. */
const STUCK_MS = 5_000;

/** What one subscriber has taken and not handled yet. It is in its memory and nowhere else. */
export class Hands {
  private readonly held = new Set<Held>();
  private readonly resting = new Map<Held, NodeJS.Timeout>();
  private readonly lanes: KeyLanes<Held>;
  private fullSince: number | undefined;
  private leaving = false;

  constructor(private readonly options: HandsOptions) {
    this.lanes = new KeyLanes({ ...options, run: (batch) => this.hand(batch) });
  }

  get count(): number {
    return this.held.size;
  }

  take(message: Message): Word {
    if (this.leaving) return 'full';
    if (this.held.size >= Math.max(this.options.inFlight, LEAST_ROOM)) {
      this.fullSince ??= performance.now();
      return performance.now() - this.fullSince > STUCK_MS ? 'stuck' : 'full';
    }
    const held = { key: message.key, message, rejections: 0 };
    this.held.add(held);
    this.lanes.add(held);
    return 'held';
  }

  /** Takes no more, waits for the running calls, and gives out what was not handled. */
  async empty(): Promise<Message[]> {
    this.leaving = true;
    this.lanes.clear();
    await this.lanes.idle();
    for (const timer of this.resting.values()) clearTimeout(timer);
    return [...this.held].map(({ message }) => message);
  }

  private async hand(batch: readonly Held[]): Promise<void> {
    const { handle, acknowledgeFirst, onError } = this.options;
    if (acknowledgeFirst) this.release(batch);
    try {
      await handle(batch.map(({ message }) => message));
      this.release(batch);
    } catch (error) {
      onError(error as Error);
      if (!acknowledgeFirst) for (const held of batch) this.rest(held);
    }
  }

  /** There is nobody to be told. */
  private release(batch: readonly Held[]): void {
    for (const held of batch) this.held.delete(held);
    this.fullSince = undefined;
  }

  /** Nobody else has it, so it comes again from here. */
  private rest(held: Held): void {
    if (this.leaving) return;
    const again = () => {
      this.resting.delete(held);
      this.lanes.add(held);
    };
    this.resting.set(held, setTimeout(again, redeliveryPause(++held.rejections)));
  }
}
