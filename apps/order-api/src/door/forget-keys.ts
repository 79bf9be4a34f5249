import type { Queryable } from '@order-events/store';
import { forgetKeysOlderThan } from './sql';

const KEPT_HOURS = 24;
const AT_ONCE = 500;

/** Forgets the idempotency keys that have served their time, in small batches that hold nobody up. */
export async function forgetKeys(database: Queryable): Promise<void> {
  while ((await forgetKeysOlderThan(database, KEPT_HOURS, AT_ONCE)) === AT_ONCE);
}
