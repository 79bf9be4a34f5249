import { auditBugs } from './audit';
import type { Bug } from './bug';
import { domainBugs } from './domain';
import { effectBugs } from './effects';
import { inboxBugs } from './inbox';
import { lostDeliveries } from './lost-delivery';
import { outboxBugs } from './outbox';

export type { Bug } from './bug';
export { plantedBugsDocs } from './docs';
export { notice } from './notice';

/** Mistakes that the simulator must notice. */
export const bugs: readonly Bug[] = [
  ...inboxBugs,
  ...outboxBugs,
  ...effectBugs,
  ...domainBugs,
  ...auditBugs,
  ...lostDeliveries,
];
