import type { Message, Runtime, Subscribe, Subscription } from '@order-events/messaging';
import type { MemoryGroup } from './broker';

const AGAIN_MS = 50;

/** One member of a group: keeps up to `parallel` calls of the handler going while anything waits. */
export class MemoryConsumer implements Subscription {
  private readonly calls = new Set<Promise<void>>();
  private readonly leave: () => void;
  private readonly stop = new AbortController();
  private inFlight = 0;
  private filling = false;

  constructor(
    private readonly group: MemoryGroup,
    private readonly options: Subscribe,
    private readonly runtime: Runtime,
    private readonly onError: (error: Error) => void,
  ) {
    this.leave = group.join(() => void this.fill());
    void this.fill();
  }

  async close(): Promise<void> {
    this.stop.abort();
    this.leave();
    await Promise.all(this.calls);
  }

  private async fill(): Promise<void> {
    if (this.filling) return;
    this.filling = true;
    // Lets a batch gather what is published in the same moment.
    await this.runtime.sleep(this.options.waitMs, this.stop.signal);
    this.filling = false;
    const { parallel, batch, inFlight } = this.options;
    while (!this.stop.signal.aborted && this.calls.size < parallel) {
      const messages = this.group.take(Math.min(batch, inFlight - this.inFlight));
      if (messages.length === 0) return;
      this.start(messages);
    }
  }

  private start(messages: readonly Message[]): void {
    this.inFlight += messages.length;
    const call = this.hand(messages).then(() => {
      this.inFlight -= messages.length;
      this.calls.delete(call);
      this.group.release(messages);
    });
    this.calls.add(call);
  }

  private async hand(messages: readonly Message[]): Promise<void> {
    const { handle, acknowledgeFirst } = this.options;
    if (acknowledgeFirst) this.group.acknowledge(messages);
    try {
      await handle(messages);
      if (!acknowledgeFirst) this.group.acknowledge(messages);
    } catch (error) {
      this.onError(error as Error);
      if (acknowledgeFirst) return;
      await this.runtime.sleep(AGAIN_MS, this.stop.signal);
      this.group.giveBack(messages);
    }
  }
}
