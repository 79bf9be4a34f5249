import type { AuditStore, Presence, Store } from '@order-events/messaging';

type AuditedStore = Store & { readonly audit: AuditStore; readonly presence: Presence };

export interface TwoStores {
  readonly store: AuditedStore;
  /** A second instance on the same data, as another process would have. */
  readonly other: AuditedStore;
  /** One more, which the test closes. */
  another(): AuditedStore;
  /** Lets the inbox forget what became of events with ids below this one. */
  moveHorizon(before: string): Promise<void>;
}

export interface StoreUnderTest extends TwoStores {
  close(): Promise<void>;
}
