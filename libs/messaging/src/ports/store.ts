import type { Cause, Keys, NewEffect, Rows, Tables, Writes } from '../decision';
import type { Message } from './transport';

/**
 * The store port: a service's own database. Everything that one decision changes goes through one `Tx`, so it happens as
 * a whole or not at all.
 */

/** An event on its way into the outbox: encoded, but for the `time`, which is the database's. */
export interface OutboxEntry extends Message {
  id: string;
  /** It waits in the schedule for so many milliseconds before it comes into the outbox. */
  delayMs?: number;
}

/** An event in a log. */
export interface LogRecord extends Omit<OutboxEntry, 'delayMs'> {
  position: number;
  /** The database's clock when it was appended. */
  time: Date;
}

/**
 * `applied`: decided. `retrying`: its decision threw; the retry worker has it. `dead`: a dead letter. `expired`: too old to
 * be handled, because it came when the inbox had forgotten its kind, or was a dead letter for longer than those are kept.
 * `discarded`: a dead letter that an operator gave up for good.
 */
export type InboxState = 'applied' | 'retrying' | 'dead' | 'expired' | 'discarded';

/** What an inbox knows of an event. `forgotten`: it is so old that nobody knows any more whether it was there. */
export type Known = InboxState | 'forgotten';

export interface Failure {
  /** As it came, so that it can be tried again or read by an operator. */
  message: Message;
  error: string;
  /** Tries so far. */
  attempts: number;
  /** Until the next one, milliseconds; for `retrying`. */
  delayMs?: number;
  /**
   * Tries that were begun alone and of which nothing has been heard: each has ended with its process, or still runs. Of
   * an event that has such a count every try is begun so, and the count is committed before it.
   */
  crashes?: number;
}

export interface InboxEntry {
  id: string;
  topic: string;
  key: string;
  state: InboxState;
  /** With `retrying` and `dead`. */
  failure?: Failure;
  /** It was `retrying` before; once it is `applied`, nothing of the failure is kept. */
  retried?: boolean;
}

/** An intended effect with what it follows from. */
export type EffectEntry = NewEffect & Cause;

/** Calls that are made without waiting for one another are carried out in the order in which they were made. */
export interface Tx {
  /** Locks rows (tables in the order of `tables`, keys sorted) and reads them as they are once the locks are held. */
  lock<T extends Tables>(tables: T, keys: Keys<T>): Promise<Rows<T>>;
  write<T extends Tables>(tables: T, rows: Writes<T>): Promise<void>;
  /** Which of these does the group's inbox hold, in which state, and which of the others may it have held once? */
  held(group: string, ids: readonly string[]): Promise<ReadonlyMap<string, Known>>;
  /** Records events in the inbox; an entry that is there already is brought to the new state, unless it is applied or discarded. */
  take(group: string, entries: readonly InboxEntry[]): Promise<void>;
  /** Adds effects; one whose idempotency key is there already is the same effect and is left as it is. */
  intend(effects: readonly EffectEntry[]): Promise<void>;
  /**
   * Closes effects that are open, forgets what they were called with, and tells which were. The others were closed by
   * another runner.
   */
  closeEffects(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Appends to the outbox, or to the schedule what has a delay. Last in a transaction: positions are drawn when all locks
   * are held.
   */
  append(events: readonly OutboxEntry[]): Promise<void>;
}

/** An event whose decision threw, due for another try. */
export interface Retry {
  id: string;
  message: Message;
  attempts: number;
  /** As in `Failure`. */
  crashes?: number;
}

/** An open effect, claimed by one runner until its lease ends. */
export interface OpenEffect extends EffectEntry {
  id: string;
  /** Calls before this one that came to nothing, as far as is known. */
  attempts: number;
  /** Of an earlier call, when what follows from it could not be recorded: JSON. It is not asked for again. */
  answer?: unknown;
}

/** A record that the broker refused for its own sake. */
export interface Refused {
  record: LogRecord;
  error: string;
  /** What is appended with its dead letter. */
  told?: readonly OutboxEntry[];
}

/** One reader's place in a log, held by one owner at a time. */
export interface LogReader {
  /** The group in whose name records that are refused are dead letters: one of its own, for they are refused to it alone. */
  readonly letters: string;
  /** Takes or renews the lease. False: somebody else has it. */
  lease(ms: number): Promise<boolean>;
  /** The records after the last page that was read, at most `limit` and `PAGE_BYTES`, oldest first. Empty: nothing new. */
  page(limit: number): Promise<LogRecord[]>;
  /** Makes the place after the last page lasting, with `refused` records filed as dead letters. */
  commit(refused: readonly Refused[]): Promise<void>;
  /** Goes back to the last lasting place. */
  rewind(): void;
  /** Gives the lease back. */
  release(): Promise<void>;
}

export interface OutboxStatus {
  /** Age of the oldest record that is not yet published, milliseconds; 0 when there is none. */
  oldestMs: number;
}

export interface Store {
  /** Runs `work` in one transaction, and commits it if it resolves. Rejects with a `StoreError` for the database's part. */
  transact<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /**
   * Events of the group whose next try is due, at most `limit` and `PAGE_BYTES`. They stay `retrying`; only a transaction
   * that finds them so moves them.
   */
  dueRetries(group: string, limit: number): Promise<Retry[]>;
  /**
   * Claims open effects, at most one a key and the oldest of it, for `leaseMs` by the database's clock. Those that were
   * called least often come first. At most `madeBefore` of them were ever called; as many as there are when it is not given.
   * `first` of these come before those that never were.
   */
  claimEffects(
    kinds: readonly string[],
    limit: number,
    leaseMs: number,
    madeBefore?: number,
    first?: number,
  ): Promise<OpenEffect[]>;
  /** No call to the outside is answered, as far as this process knows. */
  outsideIsAway(): Promise<void>;
  /**
   * After `outsideIsAway`: claims one effect, or none when any process of the service asked less than `everyMs` ago, by the
   * database's clock, in the order of `claimEffects`. `back`: a process has had an answer since, or no effect is open any
   * more.
   */
  probeOutside(
    kinds: readonly string[],
    leaseMs: number,
    everyMs: number,
    madeBefore?: number,
  ): Promise<OpenEffect[] | 'back'>;
  /** A call to the outside is answered. */
  outsideIsBack(): Promise<void>;
  /**
   * Gives a claimed effect back, to be claimed again after a while, with the answer if there was one. An effect that
   * somebody else has claimed since stays theirs.
   */
  deferEffect(id: string, error: string, delayMs: number, answer?: unknown): Promise<void>;
  outbox(): LogReader;
  /** Moves events whose time has come from the schedule to the outbox, at most `limit`, each once. Returns how many. */
  appendDue(limit: number): Promise<number>;
  outboxStatus(): Promise<OutboxStatus>;
  /** Resolves when something may have been appended to the outbox or intended as effect, at the latest after `ms`. */
  wait(what: 'outbox' | 'effects', ms: number, signal: AbortSignal): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * `unavailable`: the database is away, or the outcome of the commit is unknown. `contended`: deadlock, serialisation, lock
 * or statement time-out; the same again may succeed. `rejected`: the data itself was refused, and will be again.
 */
export class StoreError extends Error {
  override name = 'StoreError';
  constructor(
    readonly kind: 'unavailable' | 'contended' | 'rejected',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
