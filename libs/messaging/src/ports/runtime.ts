import type { Arrival } from '../pipeline/arrival';
import type { InboxState, LogRecord, OpenEffect } from './store';

/** Time and identity as the machinery sees them; the simulator brings its own. */
export interface Runtime {
  /** Milliseconds of a clock that never goes back; for measuring and waiting, not for dates. */
  elapsed(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A signal that is aborted after `ms`; it keeps no process alive. */
  timeout(ms: number): AbortSignal;
  /** A new event id, UUIDv7. */
  eventId(): string;
  /** 0 ≤ x < 1, for jitter. */
  random(): number;
}

/** What the machinery tells of itself; service-kit turns it into log lines and metrics. */
export interface Observer {
  published(count: number): void;
  publishFailed(count: number, detail: string): void;
  handled(arrival: Arrival, outcome: InboxState | 'duplicate', error?: Error): void;
  /** Refused by the broker for its own sake; it is filed as a dead letter. */
  refused(record: Pick<LogRecord, 'id' | 'topic' | 'key'>, detail: string): void;
  /** The database is away, or in the way of itself; what came is kept and tried again. */
  held(count: number, error: Error): void;
  effectDone(effect: OpenEffect, ms: number): void;
  /** Without a definite answer after `ms`; it will be called again. */
  effectFailed(effect: OpenEffect, error: Error, ms: number): void;
  /** There was an answer, but what follows from it could not be decided or stored. */
  answerFailed(effect: OpenEffect, error: Error): void;
  /** No call has been answered for a while, or one is answered again. */
  outsideAway(away: boolean): void;
  /** A background loop failed and goes on after a pause. */
  loopFailed(loop: string, error: Error): void;
}
