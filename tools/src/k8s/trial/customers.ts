import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What customers have seen. */
export interface Seen {
  /** Ids of orders that were answered with 201. */
  accepted: Set<string>;
  /** Answers that told to come back later. */
  later: number;
  /** Requests that got no answer, or none that makes sense. */
  lost: string[];
}

const customers = 4;
const pauseMs = 150;
const answerMs = 20_000;
export const patienceMs = 10 * 60_000;

/** Customers at a door who place orders, one after the other each, until they are told to go. Nothing is sent again. */
export class Customers {
  readonly seen: Seen = { accepted: new Set(), later: 0, lost: [] };
  private readonly over = new AbortController();
  private readonly work: Promise<void>[];

  /** @param door where orders are placed */
  constructor(private readonly door: string) {
    this.work = Array.from({ length: customers }, (_, n) => this.goOn(n));
  }

  /** Resolves when so many more orders have been accepted. */
  async more(orders: number): Promise<void> {
    const enough = this.seen.accepted.size + orders;
    for (const deadline = performance.now() + patienceMs; this.seen.accepted.size < enough; await sleep(50))
      if (performance.now() > deadline) throw new Error(`customers wait for ${orders} more orders to be accepted`);
  }

  /** Resolves when the last answer has come. */
  async go(): Promise<Seen> {
    this.over.abort();
    await Promise.all(this.work);
    return this.seen;
  }

  private async goOn(n: number): Promise<void> {
    while (!this.over.signal.aborted) {
      await this.place(n);
      await sleep(pauseMs);
    }
  }

  private async place(n: number): Promise<void> {
    const sent = new Date();
    try {
      const response = await fetch(`${this.door}/orders`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
          // Half of them come by themselves each time, so that the Service chooses a pod anew.
          ...(n % 2 === 0 ? { connection: 'close' } : {}),
        },
        body: JSON.stringify({
          user_id: `user_${n}`,
          email: 'customer@example.com',
          items: [{ product_id: `prod${1 + n}`, quantity: 1 + n }],
        }),
        signal: AbortSignal.timeout(answerMs),
      });
      const { order_id } = (await response.json()) as { order_id?: string };
      if (response.status === 201 && order_id) this.seen.accepted.add(order_id);
      else if (response.status === 503) this.seen.later += 1;
      else this.seen.lost.push(`${sent.toISOString()}: answered with ${response.status}`);
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      this.seen.lost.push(`${sent.toISOString()}: ${cause?.message ?? message}`);
    }
  }
}
