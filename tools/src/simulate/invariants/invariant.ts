import type { Service } from '@order-events/contracts';
import type { LogRecord, Message } from '@order-events/messaging';
import type { Outside } from '../outside';
import type { Scenario } from '../scenario';
import type { Commit, ServiceDatabase } from '../store';

/** What an invariant looks at. */
export interface Sight {
  scenarios: ReadonlyMap<string, Scenario>;
  databases: Readonly<Record<Service, ServiceDatabase>>;
  outside: Outside;
  /** Whether this event has ended processes of this service. */
  hasKilled(service: Service, id: string): boolean;
  /** The broker loses nothing. */
  keeper: boolean;
  /** Virtual milliseconds. */
  now(): number;
  /** Notes that something does not hold; the first note ends the simulation. */
  report(violation: string): void;
}

/** Something that is true after every step, or at the end. It sees every commit and keeps for itself what it needs. */
export interface Invariant {
  /** At once after a commit, before anybody sees it. */
  committed?(commit: Commit): void;
  /** The broker has taken a message. */
  stored?(message: Message): void;
  /** A publisher takes it for certain that a group holds these. */
  verified?(publisher: Service, group: string, records: readonly LogRecord[]): void;
  /** A service's database is what it was before: it knows nothing of what it has done since. */
  restored?(service: Service): void;
  /** All have been told to ask a restored service again. */
  repaired?(service: Service): void;
  /** When everything has come to rest. */
  end?(): void;
}
