import type { Subscription } from '@order-events/messaging';

export interface ConsumptionOptions {
  subscribe(): Promise<Subscription>;
  /** Whether an operator wants the whole group to stand still. */
  isPaused(): Promise<boolean>;
}

/** One process's part in its group's consumption: there, unless an operator has paused the group. */
export class Consumption {
  /** As it was last seen. */
  paused = false;
  private subscription: Promise<Subscription> | undefined;
  private closed = false;

  constructor(private readonly options: ConsumptionOptions) {}

  /**
   * Looks whether it is to stand still, and does so, or goes on. What is in hand is finished and acknowledged. To be
   * called again when it has resolved or rejected.
   */
  async follow(): Promise<void> {
    this.paused = await this.options.isPaused();
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
