import type { AnyEvent, CloudEvent, EventData, Topic } from '@order-events/contracts';

/** A state row. Its column names are those of the table; `version` counts its writes. */
export type Row = { version: number };

/** Column types that a store knows how to bind; `json` is any JSON value. */
export type ColumnType = 'text' | 'integer' | 'bigint' | 'boolean' | 'json';

/** What a store must know of a table to lock, load and write its rows, a batch at a time. */
export interface Table<R extends object> {
  name: string;
  /** The column that identifies a row. In an append-only table it may repeat. */
  key: keyof R & string;
  columns: Record<keyof R & string, ColumnType>;
  /**
   * `made`: locking a key that has no row makes the row `blank(key)`, so that two deciders never both see "no row".
   * `found`: only rows that exist are locked. `appended`: rows are only ever added, and never loaded.
   */
  rows: 'made' | 'found' | 'appended';
  /** The row that stands for "nothing known yet". Columns with a default in the database must agree with it. */
  blank?: (key: string) => R;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of any row; `unknown` would not accept one
export type Tables = Record<string, Table<any>>;
type RowOf<T> = T extends Table<infer R> ? R : never;

/** Keys to lock, by table. Tables are locked in the order in which `Tables` names them, keys sorted. */
export type Keys<T extends Tables> = { readonly [N in keyof T]?: readonly string[] };
/** Locked rows, by table and key. */
export type Rows<T extends Tables> = { readonly [N in keyof T]: ReadonlyMap<string, RowOf<T[N]>> };
/** Rows to write, by table: the whole new row each. */
export type Writes<T extends Tables> = { readonly [N in keyof T]?: readonly RowOf<T[N]>[] };

/** An event that a decision wants published. Everything else of its envelope is added by the pipeline. */
export type NewEvent = {
  [T in Topic]: {
    type: T;
    /** The order id. */
    subject: string;
    /** The version of the row that the event tells of. */
    sequence: number;
    data: EventData<T>;
    /** Not before so many milliseconds after the decision, by the database's clock; by default at once. */
    delayMs?: number;
  };
}[Topic];

/** A call to the outside that a decision wants made after its transaction has committed. */
export interface NewEffect {
  kind: string;
  /** Effects of one key are made one at a time, in the order in which they were decided. The order id. */
  key: string;
  /** What the other side recognises a repeated call by; derived from the order id, so that it is the same for ever. */
  idempotencyKey: string;
  /** JSON. */
  input: object;
}

/** What an event, or an effect, follows from. */
export interface Cause {
  /** Id of the event that led to it. */
  causationid?: string;
  /** W3C trace context, handed on unchanged. */
  traceparent?: string;
}

/** What a handler returns. Nothing happens but what stands here, all of it in one transaction. */
export interface Decision<T extends Tables = Tables> {
  rows?: Writes<T>;
  events?: readonly NewEvent[];
  effects?: readonly NewEffect[];
}

export interface EventHandler<T extends Tables = Tables, E extends Topic = Topic> {
  topic: E;
  /** The keys of all rows that `decide` may look at or write. */
  keys(event: CloudEvent<E>): Keys<T>;
  /** Pure: no I/O, no clock, no randomness. Throwing means "could not decide": the event is tried again later. */
  decide(rows: Rows<T>, event: CloudEvent<E>): Decision<T> | Promise<Decision<T>>;
}

export interface EffectHandler<T extends Tables = Tables, I extends object = object, R = unknown> {
  kind: string;
  /**
   * Calls the outside, outside of any transaction. Resolves only with a definite answer, a refusal included. Whatever
   * leaves the outcome open (time-out, connection lost, 5xx) rejects, and is called again with the same key.
   */
  call(input: I, call: { idempotencyKey: string; attempt: number; signal: AbortSignal }): Promise<R>;
  keys(input: I): Keys<T>;
  /** Pure, like an event's. Runs in the transaction that closes the effect, and only if it was still open. */
  decide(rows: Rows<T>, input: I, answer: R): Decision<T>;
}

/** Throw it from a decision for an event that no retry can help: it becomes a dead letter at once. */
export class DeadLetterError extends Error {
  override name = 'DeadLetterError';
}

export type { AnyEvent, CloudEvent, EventData, Topic };
