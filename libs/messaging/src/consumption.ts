import { MassFailure } from './mass-failure';
import type { Subscription } from './ports/transport';

/** Where it stands whether a group is to stand still. */
export interface Pauses {
  /** Whether the whole group is to stand still. */
  isPaused(): Promise<boolean>;
  /** Has the whole group stand still until an operator resumes it. */
  pause(reason: string): Promise<void>;
}

export interface ConsumptionOptions extends Pauses {
  subscribe(): Promise<Subscription>;
}

/** One process's part in its group's consumption: there, unless the group is paused, by an operator or because most fails. */
export class Consumption {
  /** As it was last seen; as long as nobody could say, it may be. */
  private paused = true;
  private readonly failure = new MassFailure();
  private lastError = '';
  private subscription: Promise<Subscription> | undefined;
  private closed = false;

  constructor(private readonly options: ConsumptionOptions) {}

  /** No event is to be decided now. */
  get standsStill(): boolean {
    return this.paused || this.failure.isOn;
  }

  /** To be told how each event ended that could be read. */
  note(order: string, error?: Error): void {
    this.failure.note(order, error);
    if (error) this.lastError = error.message;
  }

  /**
   * Looks whether it is to stand still, and does so, or goes on. What is in hand is finished and acknowledged. To be
   * called again when it has resolved or rejected.
   */
  async follow(): Promise<void> {
    if (this.failure.isOn && !this.paused)
      await this.options.pause(`${this.failure.extent} failed, the last with: ${this.lastError}`);
    const paused = await this.options.isPaused();
    // What failed before does not count against those who mended it.
    if (this.paused && !paused) this.failure.clear();
    this.paused = paused;
    // Somebody may have ended it meanwhile, and waits for nothing that begins now.
    if (this.closed) return;
    if (this.paused) return this.unsubscribe();
    this.subscription ??= this.options.subscribe();
    await this.subscription.catch((error: unknown) => {
      this.subscription = undefined;
      throw error;
    });
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.closed = true;
    await this.unsubscribe();
  }

  private async unsubscribe(): Promise<void> {
    const { subscription } = this;
    this.subscription = undefined;
    await (await subscription)?.close();
  }
}
