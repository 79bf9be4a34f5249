import type { Service } from '@order-events/contracts';
import type { Outside } from '../outside';
import type { Scenario } from '../scenario';
import type { Commit, ServiceDatabase } from '../store';

/** What an invariant looks at. */
export interface Sight {
  scenarios: ReadonlyMap<string, Scenario>;
  databases: Readonly<Record<Service, ServiceDatabase>>;
  outside: Outside;
  /** Notes that something does not hold; the first note ends the simulation. */
  report(violation: string): void;
}

/** Something that is true after every step, or at the end. It sees every commit and keeps for itself what it needs. */
export interface Invariant {
  /** At once after a commit, before anybody sees it. */
  committed?(commit: Commit): void;
  /** When everything has come to rest. */
  end?(): void;
}
