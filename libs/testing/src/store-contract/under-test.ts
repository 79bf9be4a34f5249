import type { AuditStore, Store } from '@order-events/messaging';

type AuditedStore = Store & { readonly audit: AuditStore };

export interface TwoStores {
  readonly store: AuditedStore;
  /** A second instance on the same data, as another process would have. */
  readonly other: AuditedStore;
}

export interface StoreUnderTest extends TwoStores {
  close(): Promise<void>;
}
