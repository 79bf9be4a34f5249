import type { Observer, Runtime } from '../ports/runtime';
import type { Transport } from '../ports/transport';

export interface ResponderWatchOptions {
  transport: Pick<Transport, 'isConsumed'>;
  runtime: Runtime;
  observer: Pick<Observer, 'loopFailed'>;
}

/** For so long what was seen is taken for true. */
const FRESH_MS = 1_000;

/** Whether anybody is there to take a group's messages, looked at once a second at most however many ask. */
export class ResponderWatch {
  private seenAt = -Infinity;
  private isThere: Promise<boolean> = Promise.resolve(false);

  constructor(
    private readonly group: string,
    private readonly options: ResponderWatchOptions,
  ) {}

  look(): Promise<boolean> {
    const now = this.options.runtime.elapsed();
    if (now - this.seenAt >= FRESH_MS) {
      this.seenAt = now;
      this.isThere = this.lookAnew();
    }
    return this.isThere;
  }

  /** When the broker does not say, somebody may be there: what is sent will show. */
  private async lookAnew(): Promise<boolean> {
    try {
      return await this.options.transport.isConsumed(this.group);
    } catch (error) {
      this.options.observer.loopFailed('presence of a responder', error as Error);
      return true;
    }
  }
}
