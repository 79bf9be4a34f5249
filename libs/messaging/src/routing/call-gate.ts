import type { Message, Subscribe } from '../ports/transport';

interface Call {
  batch: readonly Message[];
  begin(): void;
}

/**
 * Lets the calls of several subscriptions through as if they were those of one: together they keep its limits, and no key
 * is in two of them. Who has to wait is let in before whoever came later, except where that one can go and it cannot.
 */
export class CallGate {
  private readonly busy = new Set<string>();
  private waiting: readonly Call[] = [];
  private calls = 0;
  private handed = 0;

  constructor(private readonly options: Pick<Subscribe, 'inFlight' | 'parallel' | 'handle'>) {}

  /** Hands the batch over when its turn has come. Settles as the handler does. */
  async handle(batch: readonly Message[]): Promise<void> {
    await new Promise<void>((begin) => {
      this.waiting = [...this.waiting, { batch, begin }];
      this.admit();
    });
    try {
      await this.options.handle(batch);
    } finally {
      this.calls--;
      this.handed -= batch.length;
      for (const { key } of batch) this.busy.delete(key);
      this.admit();
    }
  }

  private admit(): void {
    const { inFlight, parallel } = this.options;
    let isFull = false;
    this.waiting = this.waiting.filter(({ batch, begin }) => {
      // Nobody passes by one that only waits for room, or a large batch would wait for ever.
      isFull ||= this.calls === parallel || (this.handed > 0 && this.handed + batch.length > inFlight);
      if (isFull || batch.some(({ key }) => this.busy.has(key))) return true;
      this.calls++;
      this.handed += batch.length;
      for (const { key } of batch) this.busy.add(key);
      begin();
      return false;
    });
  }
}
