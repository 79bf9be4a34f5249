import { StoreError, type OutboxEntry } from '@order-events/messaging';
import type { MemoryDatabase } from './database';

/** A row of `schedule`, by event id. */
export interface ScheduleRow {
  entry: OutboxEntry;
  dueAt: number;
}

/** One transaction: its locks, and what it has written and nobody else sees yet. */
export class Session {
  private readonly locks: string[] = [];
  private readonly staged = new Map<string, Map<string, object | undefined>>();
  private readonly appended: (OutboxEntry & { position: number; at: number })[] = [];
  private readonly wakes = new Set<'outbox' | 'effects'>();
  private ended = false;

  constructor(private readonly database: MemoryDatabase) {}

  lock(table: string, key: string): Promise<void> {
    this.assertOpen();
    return this.database.lock(this, table, key);
  }

  /** Notes a lock that the database has given, to be given back at the end. */
  holds(lock: string): void {
    this.locks.push(lock);
  }

  /** A copy of the row as this transaction sees it: its own write, or what was committed last. */
  get<R extends object>(table: string, key: string): R | undefined {
    this.assertOpen();
    const own = this.staged.get(table);
    const row = own?.has(key) ? own.get(key) : this.database.table(table).get(key);
    return row && (structuredClone(row) as R);
  }

  /** Writes a row; undefined removes it. */
  put(table: string, key: string, row: object | undefined): void {
    this.assertOpen();
    let own = this.staged.get(table);
    if (!own) this.staged.set(table, (own = new Map<string, object | undefined>()));
    own.set(key, structuredClone(row));
  }

  append(event: OutboxEntry): void {
    this.assertOpen();
    const { delayMs, ...entry } = event;
    if (delayMs !== undefined) {
      const dueAt = this.database.now() + delayMs;
      return this.put('schedule', event.id, { entry, dueAt } satisfies ScheduleRow);
    }
    this.appended.push({ ...event, position: this.database.draw(), at: this.database.now() });
    this.wakes.add('outbox');
  }

  /** Tells those who wait, once this is committed. */
  wake(what: 'effects'): void {
    this.wakes.add(what);
  }

  commit(): void {
    this.assertOpen();
    for (const [name, rows] of this.staged) {
      const table = this.database.table(name);
      for (const [key, row] of rows) {
        if (row) table.set(key, row);
        else table.delete(key);
      }
    }
    for (const { at, ...event } of this.appended) this.database.outbox.push({ ...event, time: new Date(at) });
    this.end();
    for (const what of this.wakes) this.database.wake(what);
  }

  /** Also for a session that waits for a lock: its wait rejects. Does nothing after the end. */
  rollback(): void {
    if (this.ended) return;
    this.database.giveUp(this, gone());
    this.end();
  }

  private end(): void {
    this.ended = true;
    for (const lock of this.locks) this.database.unlock(lock);
  }

  private assertOpen(): void {
    if (this.ended) throw gone();
  }
}

function gone(): StoreError {
  return new StoreError('unavailable', 'the connection is closed');
}
