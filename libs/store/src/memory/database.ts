import { StoreError, type LogRecord, type Runtime } from '@order-events/messaging';
import type { Session } from './session';

/** What waits for one row, in the order in which they came; the first holds it. */
interface RowLock {
  holder: Session;
  waiting: { session: Session; grant(): void; refuse(error: Error): void }[];
}

/** A reader's place in the outbox: the first `last` commits are read, and of those up to `win` all up to `position`. */
export interface Place {
  last: number;
  win: number | null;
  position: number;
}

/** A lasting place, with its lease. */
export interface Cursor {
  place: Place;
  /** The connection of whoever holds the lease; it ends with it. */
  owner: number | undefined;
  epoch: number;
  /** On the database's clock. */
  until: number;
}

/** What the delivery audit knows of one group. */
export interface AuditRow {
  cursor: Cursor;
  topics: readonly string[];
  question?: string;
  answer?: object;
  missing: number;
  resent: number;
  replay?: Replay;
}

/** Of the first commits, which are verified, only one topic is asked about again. */
export interface Replay {
  topic: string;
  commits: number;
  records: ReadonlySet<LogRecord>;
}

/**
 * A database in memory. Any number of `MemoryStore`s, one for each process, share it. Rows are locked until the end of
 * the transaction, and what a transaction writes is seen by nobody else before its commit.
 */
export class MemoryDatabase {
  /** In the order of their commits, which need not be that of their positions. */
  readonly outbox: LogRecord[] = [];
  /** The relay's. */
  readonly cursor = newCursor(0);
  /** When a process asked last whether the outside is back, and since when it is away; on the database's clock. */
  outside: { askedAt: number; awaySince?: number } = { askedAt: -Infinity };
  /** By group. */
  readonly audits = new Map<string, AuditRow>();
  /** The processes of the service, by their connections, with when each was found to be gone; Infinity: it was not. */
  readonly processes = new Map<number, number>();
  /** Of event ids below it the inbox may have forgotten what became of them. */
  horizon = '';
  private readonly tables = new Map<string, Map<string, object>>();
  private readonly locks = new Map<string, RowLock>();
  private readonly blocked = new Map<Session, RowLock>();
  private readonly listeners = new Set<(what: 'outbox' | 'effects') => void>();
  private readonly connections = new Set<number>();
  private drawn = 0;

  /** @param runtime its `elapsed()` is the database's clock. */
  constructor(private readonly runtime: Pick<Runtime, 'elapsed'>) {}

  now(): number {
    return this.runtime.elapsed();
  }

  connect(): number {
    const connection = this.draw();
    this.connections.add(connection);
    return connection;
  }

  disconnect(connection: number): void {
    this.connections.delete(connection);
  }

  isConnected(connection: number): boolean {
    return this.connections.has(connection);
  }

  /** The committed rows of a table, by key; those of an append-only table by a number. */
  table<R extends object>(name: string): Map<string, R> {
    let table = this.tables.get(name);
    if (!table) this.tables.set(name, (table = new Map<string, object>()));
    return table as Map<string, R>;
  }

  /** A number that is greater than all before it, whether or not its transaction commits. */
  draw(): number {
    return ++this.drawn;
  }

  isLocked(table: string, key: string): boolean {
    return this.locks.has(lockName(table, key));
  }

  /** Resolves when the session holds the row. @throws StoreError `contended` if that would be never: a deadlock. */
  lock(session: Session, table: string, key: string): Promise<void> {
    const name = lockName(table, key);
    const lock = this.locks.get(name);
    if (!lock) {
      this.locks.set(name, { holder: session, waiting: [] });
      session.holds(name);
      return Promise.resolve();
    }
    if (lock.holder === session) return Promise.resolve();
    if (this.waitsFor(lock.holder, session)) return Promise.reject(new StoreError('contended', 'deadlock detected'));
    this.blocked.set(session, lock);
    return new Promise((grant, refuse) => lock.waiting.push({ session, grant, refuse }));
  }

  /** Gives a row to who waits for it longest. */
  unlock(name: string): void {
    const lock = this.locks.get(name)!;
    const next = lock.waiting.shift();
    if (!next) return void this.locks.delete(name);
    lock.holder = next.session;
    this.blocked.delete(next.session);
    next.session.holds(name);
    next.grant();
  }

  /** Ends a session's wait, if it is in one. */
  giveUp(session: Session, error: Error): void {
    const lock = this.blocked.get(session);
    if (!lock) return;
    this.blocked.delete(session);
    const [waiter] = lock.waiting.splice(
      lock.waiting.findIndex((waiting) => waiting.session === session),
      1,
    );
    waiter!.refuse(error);
  }

  listen(listener: (what: 'outbox' | 'effects') => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  wake(what: 'outbox' | 'effects'): void {
    for (const listener of this.listeners) listener(what);
  }

  private waitsFor(session: Session, other: Session): boolean {
    const lock = this.blocked.get(session);
    return lock !== undefined && (lock.holder === other || this.waitsFor(lock.holder, other));
  }
}

/** @param last how many commits count as read. */
export function newCursor(last: number): Cursor {
  return { place: { last, win: null, position: 0 }, owner: undefined, epoch: 0, until: 0 };
}

function lockName(table: string, key: string): string {
  return `${table}\0${key}`;
}
