import type { LogReader, Message, Settlement, Store, StoreError, Transport, Tx } from '@order-events/messaging';

/**
 * A store with faults on demand: whatever stands in `before` is thrown instead of beginning a transaction, in `after`
 * when it has committed, as when the answer to the commit is lost. Each fault happens once, in order.
 */
export class FaultyStore implements Store {
  readonly before: StoreError[] = [];
  readonly after: StoreError[] = [];
  /** Looks at what a transaction is about to do, and may throw what the database would. */
  inspect: Partial<Tx> = {};

  constructor(private readonly store: Store) {}

  async transact<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    const before = this.before.shift();
    if (before) throw before;
    const result = await this.store.transact((tx) => work(this.inspected(tx)));
    const after = this.after.shift();
    if (after) throw after;
    return result;
  }
}
