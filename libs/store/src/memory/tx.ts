import {
  StoreError,
  type EffectEntry,
  type InboxEntry,
  type Keys,
  type Known,
  type Message,
  type OpenEffect,
  type OutboxEntry,
  type Rows,
  type Tables,
  type Tx,
  type Writes,
} from '@order-events/messaging';
import type { MemoryDatabase } from './database';
import type { Session } from './session';

/** A row of `failures`, by group and event id. */
export interface FailureRow {
  group: string;
  id: string;
  message: Message;
  attempts: number;
  crashes?: number;
  error: string;
  /** Infinity: not tried again by itself. */
  dueAt: number;
}

/** A row of `effects`, by its id: a number as text. */
export interface EffectRow {
  effect: OpenEffect;
  open: boolean;
  dueAt: number;
  /** The connection of whoever claimed it last; a claim ends with it. */
  runner?: number;
  /** Why the last call did not close it. */
  error?: string;
}

/** Which of the `effects` has an idempotency key. */
const EFFECT_KEYS = 'effect_keys';

export class MemoryTx implements Tx {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: MemoryDatabase,
    private readonly session: Session,
  ) {}

  lock<T extends Tables>(tables: T, keys: Keys<T>): Promise<Rows<T>> {
    return this.inOrder(async () => {
      const locked: Record<string, Map<string, object>> = {};
      for (const [name, table] of Object.entries(tables)) {
        const rows = (locked[name] = new Map<string, object>());
        if (table.rows === 'appended') continue;
        for (const key of [...(keys[name] ?? [])].sort()) {
          if (table.rows === 'found' && !this.session.get(table.name, key)) continue;
          await this.session.lock(table.name, key);
          // Read again: whoever held the lock before has written.
          let row = this.session.get(table.name, key);
          if (!row) this.session.put(table.name, key, (row = table.blank!(key) as object));
          rows.set(key, row);
        }
      }
      return locked as unknown as Rows<T>;
    });
  }

  write<T extends Tables>(tables: T, rows: Writes<T>): Promise<void> {
    return this.inOrder(() => {
      for (const [name, list] of Object.entries(rows) as [string, readonly Record<string, unknown>[]][]) {
        const table = tables[name]!;
        for (const row of list) {
          const key = table.rows === 'appended' ? String(this.database.draw()) : (row[table.key] as string);
          this.session.put(table.name, key, row);
        }
      }
    });
  }

  held(group: string, ids: readonly string[]): Promise<ReadonlyMap<string, Known>> {
    return this.inOrder(() => {
      const held = new Map<string, Known>();
      for (const id of ids) {
        const entry = this.session.get<InboxEntry>('inbox', inboxKey(group, id));
        if (entry) held.set(id, entry.state);
        else if (id < this.database.horizon && id[14] === '7') held.set(id, 'forgotten');
      }
      return held;
    });
  }

  take(group: string, entries: readonly InboxEntry[]): Promise<void> {
    return this.inOrder(async () => {
      for (const { failure, retried, ...entry } of entries) {
        const key = inboxKey(group, entry.id);
        await this.session.lock('inbox', key);
        const before = this.session.get<InboxEntry>('inbox', key)?.state;
        if (before === 'applied' || before === 'discarded') {
          if (!retried || entry.state !== 'applied') continue;
          throw new StoreError('contended', 'somebody else has ended an event that was being tried again');
        }
        this.session.put('inbox', key, entry);
        if (failure) {
          const { delayMs, ...rest } = failure;
          const dueAt = this.database.now() + (delayMs ?? Infinity);
          this.session.put('failures', key, { group, id: entry.id, ...rest, dueAt } satisfies FailureRow);
        } else if (entry.state === 'applied') this.session.put('failures', key, undefined);
      }
    });
  }

  /** What was `applied` may come to another state again. */
  reopen(group: string, entries: readonly InboxEntry[]): Promise<void> {
    return this.inOrder(async () => {
      for (const { id } of entries) {
        const key = inboxKey(group, id);
        await this.session.lock('inbox', key);
        const held = this.session.get<InboxEntry>('inbox', key);
        if (held?.state === 'applied') this.session.put('inbox', key, { ...held, state: 'retrying' });
      }
    });
  }

  intend(effects: readonly EffectEntry[]): Promise<void> {
    return this.inOrder(async () => {
      for (const effect of effects) {
        await this.session.lock(EFFECT_KEYS, effect.idempotencyKey);
        if (this.session.get(EFFECT_KEYS, effect.idempotencyKey)) continue;
        const id = String(this.database.draw());
        const row: EffectRow = { effect: { ...effect, id, attempts: 0 }, open: true, dueAt: this.database.now() };
        this.session.put('effects', id, row);
        this.session.put(EFFECT_KEYS, effect.idempotencyKey, { id });
      }
      if (effects.length > 0) this.session.wake('effects');
    });
  }

  closeEffects(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.inOrder(async () => {
      const closed = new Set<string>();
      for (const id of [...ids].sort()) {
        await this.session.lock('effects', id);
        const row = this.session.get<EffectRow>('effects', id);
        if (!row?.open) continue;
        this.session.put('effects', id, { ...row, open: false });
        closed.add(id);
      }
      // The next one of the same key may be claimed now.
      if (closed.size > 0) this.session.wake('effects');
      return closed;
    });
  }

  append(events: readonly OutboxEntry[]): Promise<void> {
    return this.inOrder(() => {
      for (const event of events) this.session.append(event);
    });
  }

  /** As on a connection: one after the other, and after one that failed none. */
  private inOrder<R>(call: () => R | Promise<R>): Promise<R> {
    const result = this.last.then(call);
    this.last = result;
    return result;
  }
}

function inboxKey(group: string, id: string): string {
  return `${group} ${id}`;
}
