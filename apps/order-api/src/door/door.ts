import { bisect, Batcher, StoreError } from '@order-events/messaging';
import { Problem } from '@order-events/service-kit';
import type { PostgresStore } from '@order-events/store';
import { despiteContention } from '../store/contention';
import { placeBatch } from './place-batch';
import type { Outcome, PlaceRequest, Reply } from './request';

export interface DoorOptions {
  store: Pick<PostgresStore, 'transact'>;
  /** The largest event that the transport takes. */
  maxEventBytes: number;
}

const BATCH = 100;
/** More than this cannot be answered in any useful time. */
const MOST_QUEUED = 10_000;

/** The group commit: orders that come at the same time share one transaction. */
export class Door {
  private readonly batches = new Batcher<PlaceRequest, Outcome>((requests) => this.run(requests), BATCH);

  constructor(private readonly options: DoorOptions) {}

  /**
   * Places an order. Resolves when it is committed.
   * @throws Problem when there can be no such order; StoreError when the database does not answer, or refused the data.
   */
  async place(request: PlaceRequest): Promise<Reply> {
    if (this.batches.queued >= MOST_QUEUED)
      throw new Problem(503, {
        kind: 'overloaded',
        detail: 'Too many orders are waiting to be placed.',
        headers: { 'retry-after': '5' },
      });
    const outcome = await this.batches.submit(request);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** What the data itself is to blame for is narrowed down to the request it came with. */
  private run(requests: readonly PlaceRequest[]): Promise<Outcome[]> {
    return bisect<PlaceRequest, Outcome>(
      requests,
      (some) => this.transact(some),
      isRejected,
      (_, error) => error as StoreError,
    );
  }

  /** An absent database fails only these requests: others of the batch may have been placed already. */
  private async transact(requests: readonly PlaceRequest[]): Promise<Outcome[]> {
    const { store, maxEventBytes } = this.options;
    try {
      return await despiteContention(() =>
        store.transact((tx, session) => placeBatch(tx, session, requests, maxEventBytes)),
      );
    } catch (error) {
      if (isRejected(error)) throw error;
      return requests.map(() => error as Error);
    }
  }
}

function isRejected(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'rejected';
}
