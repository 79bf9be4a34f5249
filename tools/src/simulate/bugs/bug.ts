import type { Tx } from '@order-events/messaging';
import { but } from '../but';
import type { Parts, Place } from '../parts';
import type { Profile } from '../profiles';

export { but } from '../but';

/** A mistake that one could make, as a part that takes the place of the right one. */
export interface Bug {
  name: string;
  /** Within how many seeds, from 1 on, it must be noticed. */
  within: number;
  /** On which broker; by seed when there is none. */
  profile?: Profile;
  parts: Partial<Parts>;
}

/** A store part whose transactions differ in some statements. */
export function transactions(change: (tx: Tx, place: Place) => Partial<Tx>): Parts['store'] {
  return (store, place) =>
    but(store, { transact: (work) => store.transact((tx) => work({ ...tx, ...change(tx, place) })) });
}

/** A store part that does one kind of statement only after the transaction that it belongs to, in one of its own. */
export function afterwards(change: (later: ((tx: Tx) => Promise<void>)[]) => Partial<Tx>): Parts['store'] {
  return (store) =>
    but(store, {
      async transact<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
        const later: ((tx: Tx) => Promise<void>)[] = [];
        const result = await store.transact((tx) => work({ ...tx, ...change(later) }));
        if (later.length > 0) await store.transact(async (tx) => void (await Promise.all(later.map((do_) => do_(tx)))));
        return result;
      },
    });
}
