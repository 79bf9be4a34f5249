import type { LogReader, LogRecord } from './store';

/** How far the relay has published. */
export interface Published {
  /** A place in the outbox; two are the same place if they are the same text. */
  mark: string;
  /** Of the newest record: what it grows by is about what was published meanwhile. */
  position: number;
}

/** One group's second cursor over the own outbox: what lies before its lasting place the group is known to hold. */
export interface AuditLog extends Pick<LogReader, 'lease' | 'rewind' | 'release'> {
  /**
   * The records of the group's topics after the last page that were published by `mark`, at most `limit` and `PAGE_BYTES`, oldest first.
   * A window that was begun is read to its end, whatever the mark. Empty: the window has ended.
   */
  page(limit: number, mark: string): Promise<LogRecord[]>;
  /** Makes the place after the last page lasting: all before it is verified. */
  commit(): Promise<void>;
}

/** Of an inbox, about events of one publisher. */
export interface Holding {
  /** Which of those asked about it does not hold, in any state. */
  missing: string[];
  /** Which of them it holds in another state than `applied`. */
  unapplied: string[];
  /** Id of the newest event that it holds, if that is newer than the oldest of those asked about. */
  newest: string | undefined;
}

export interface AuditStatus {
  group: string;
  /** Every record of the outbox up to this position is known to be held. */
  verified: number;
  /** Events that it was last found not to hold. */
  missing: number;
  /** Events that were published again, since the beginning. */
  resent: number;
  /** Age of the oldest record that is not verified, milliseconds; 0 when there is none. */
  lag_ms: number;
  /** What is being replayed to it, and the position at which that will be done. */
  replay: { topic: string; until: number } | null;
}

/** `under_way`: another replay for the group has not come to its end. `not_audited`: the topic is not published for it here. */
export type ReplayStart = 'begun' | 'under_way' | 'not_audited';

/**
 * What the delivery audit needs of a service's own database. A question and its answer lie there, because the answer may
 * reach another replica than the one that asked.
 */
export interface AuditStore {
  /**
   * Begins the audit of groups, each with its topics. A group that is new is audited from now on: what was published
   * before was never meant for it. Idempotent; for `setup`.
   */
  declare(audiences: ReadonlyMap<string, readonly string[]>): Promise<void>;
  /** undefined: not all of what came with a restore is published again yet. */
  published(): Promise<Published | undefined>;
  log(group: string): AuditLog;
  /** Opens a question to the group; answers to other questions count no more. Repeating it changes nothing. */
  ask(group: string, question: string): Promise<void>;
  /** Keeps the answer, if the question is the open one. */
  answer(group: string, question: string, answer: object): Promise<void>;
  /** The answer to the question, undefined as long as there is none. */
  answerTo(group: string, question: string): Promise<unknown>;
  /** Notes how many events the group is missing now, and how many more were published again. */
  tally(group: string, missing: number, resent: number): Promise<void>;
  /** Looks into the inbox of a group. `newest` is sought among events of `topics` with an id below `before`. */
  holding(group: string, ids: readonly string[], topics: readonly string[], before: string): Promise<Holding>;
  /**
   * Sets a group's cursor back to the first record that was appended at `since` or later; never forward. After a restore
   * `since` must lie before the dump by as much as the group was behind then: what had been appended and was not handled
   * yet is in no dump of the group. False: the group is not audited here.
   */
  again(group: string, since: Date): Promise<boolean>;
  /**
   * The same for one topic: of all that was verified the group is asked about nothing else again, and what it does not hold
   * is sent to it. One at a time; being asked again about everything ends it.
   */
  replay(group: string, topic: string, since: Date): Promise<ReplayStart>;
  status(): Promise<AuditStatus[]>;
}
