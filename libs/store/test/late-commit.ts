import { entry } from '@order-events/testing';
import type { PostgresStore } from '../src/postgres/store';

/** Opens a transaction that appends, and does not commit before it is told to. */
export async function late(store: PostgresStore, key: string): Promise<() => Promise<void>> {
  let commit = () => {};
  const told = new Promise<void>((resolve) => (commit = resolve));
  let done: Promise<void> | undefined;
  await new Promise<void>((appended, failed) => {
    done = store.transact(async (tx) => {
      await tx.append([entry(key)]);
      appended();
      await told;
    });
    done.catch(failed);
  });
  return () => {
    commit();
    return done!;
  };
}
