import type { Settlement, Subscribe, Subscription } from './transport';

/** A body as programs of other teams know it: no header of ours is around it. */
export interface Bare {
  /** What belongs together stays together where the broker can do that; it is not part of what readers see elsewhere. */
  key: string;
  body: Uint8Array;
}

/** Who reads, how much at once, and what is done with it. Of the messages only the body is of any meaning. */
export type ReadForeign = Omit<Subscribe, 'topics' | 'group' | 'acknowledgeFirst'> & { group: string };

/**
 * One place on a broker at which we meet programs of other teams, by the names that they have for it. It is reached by a
 * connection of its own, and none of our names, prefixes and codecs applies.
 */
export interface Foreign {
  /**
   * Makes what is missing of what such programs would make themselves, so that what is published from now on is kept, for the
   * group if there is one. Leaves what is there as it is. Idempotent; for `setup`.
   */
  declare(group?: string): Promise<void>;
  /** Settles each body, in the order given. Rejects never. */
  publish(batch: readonly Bare[]): Promise<Settlement[]>;
  /** As a transport does: what is missing or away is told of and tried again, or it rejects and may be called again. */
  subscribe(read: ReadForeign): Promise<Subscription>;
  /** After the subscription was closed. Idempotent. */
  close(): Promise<void>;
}
