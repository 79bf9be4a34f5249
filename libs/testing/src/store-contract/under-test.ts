import type { Store } from '@order-events/messaging';

export interface TwoStores {
  readonly store: Store;
  /** A second instance on the same data, as another process would have. */
  readonly other: Store;
}

export interface StoreUnderTest extends TwoStores {
  close(): Promise<void>;
}
