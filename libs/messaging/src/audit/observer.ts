import type { Observer } from '../ports/runtime';

/** What the delivery audit tells of itself, by group. */
export interface AuditObserver extends Pick<Observer, 'loopFailed'> {
  /** The group holds so many more events. */
  verified(group: string, count: number): void;
  /** So many events were found that it does not hold, each told of once. */
  missing(group: string, count: number): void;
  resent(group: string, count: number): void;
  /** So many were not published again, for this reason; they are tried again later. */
  notResent(group: string, count: number, detail: string): void;
}
