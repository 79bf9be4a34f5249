import {
  PAGE_BYTES,
  StoreError,
  type LogReader,
  type OpenEffect,
  type OutboxStatus,
  type Retry,
  type Runtime,
  type Store,
} from '@order-events/messaging';
import { MemoryAudit } from './audit';
import type { MemoryDatabase } from './database';
import { MemoryOutboxReader } from './outbox-reader';
import { MemoryPresence } from './presence';
import { Session, type ScheduleRow } from './session';
import { MemoryTx, type EffectRow, type FailureRow } from './tx';

/** How long the retry worker has for what it fetched, before another may fetch it too. */
const RETRY_LEASE_MS = 30_000;

const byTurn = (a: EffectRow, b: EffectRow) => a.effect.attempts - b.effect.attempts || a.dueAt - b.dueAt;

/** The store port on a database in memory: for tests and the simulator. One instance is what one process would have. */
export class MemoryStore implements Store {
  /** What the delivery audit needs of it. */
  readonly audit: MemoryAudit;
  readonly presence: MemoryPresence;
  private readonly connection: number;
  private readonly sessions = new Set<Session>();
  private readonly news = new Set<'outbox' | 'effects'>();
  private readonly waiting = new Set<() => void>();
  private readonly unlisten: () => void;

  constructor(
    private readonly database: MemoryDatabase,
    private readonly runtime: Runtime,
  ) {
    this.connection = database.connect();
    this.audit = new MemoryAudit(database, this, this.connection);
    this.presence = new MemoryPresence(database, this, this.connection);
    this.unlisten = database.listen((what) => {
      this.news.add(what);
      for (const look of this.waiting) look();
    });
  }

  async transact<R>(work: (tx: MemoryTx) => Promise<R>): Promise<R> {
    this.assertOpen();
    const session = new Session(this.database);
    this.sessions.add(session);
    try {
      const result = await work(new MemoryTx(this.database, session));
      session.commit();
      return result;
    } finally {
      session.rollback();
      this.sessions.delete(session);
    }
  }

  dueRetries(group: string, limit: number): Promise<Retry[]> {
    return this.statement((now) => {
      const due = [...this.database.table<FailureRow>('failures')]
        .filter(([key, row]) => row.group === group && row.dueAt <= now && !this.database.isLocked('inbox', key))
        .map(([, row]) => row)
        .sort((a, b) => a.dueAt - b.dueAt)
        .slice(0, limit);
      let bytes = 0;
      const page = due.filter(({ message }) => {
        const fits = bytes < PAGE_BYTES;
        bytes += message.body.byteLength;
        return fits;
      });
      return page.map((row) => {
        row.dueAt = now + RETRY_LEASE_MS;
        return { id: row.id, message: structuredClone(row.message), attempts: row.attempts, crashes: row.crashes };
      });
    });
  }

  claimEffects(
    kinds: readonly string[],
    limit: number,
    leaseMs: number,
    madeBefore = limit,
    first = 0,
  ): Promise<OpenEffect[]> {
    return this.statement((now) => this.claim(now, kinds, limit, leaseMs, madeBefore, first));
  }

  outsideIsAway(): Promise<void> {
    return this.statement((now) => void (this.database.outside.awaySince ??= now));
  }

  probeOutside(
    kinds: readonly string[],
    leaseMs: number,
    everyMs: number,
    madeBefore = 1,
  ): Promise<OpenEffect[] | 'back'> {
    return this.statement((now) => {
      const { askedAt, awaySince } = this.database.outside;
      const isOpen = [...this.database.table<EffectRow>('effects').values()].some(({ open }) => open);
      if (awaySince === undefined || !isOpen) return 'back';
      // A clock that was set back has asked in what is its future now.
      if (askedAt > now - everyMs && askedAt <= now) return [];
      this.database.outside = { askedAt: now, awaySince };
      return this.claim(now, kinds, 1, leaseMs, madeBefore);
    });
  }

  outsideIsBack(): Promise<void> {
    return this.statement(() => void (this.database.outside.awaySince = undefined));
  }

  deferEffect(id: string, error: string, delayMs: number, answer?: unknown): Promise<void> {
    return this.statement((now) => {
      const row = this.database.table<EffectRow>('effects').get(id);
      if (!row?.open || (row.runner ?? this.connection) !== this.connection) return;
      row.effect.attempts++;
      if (answer !== undefined) row.effect.answer = structuredClone(answer);
      Object.assign(row, { error, dueAt: now + delayMs, runner: undefined });
    });
  }

  outbox(): LogReader {
    return new MemoryOutboxReader(this.database, this, this.connection);
  }

  appendDue(limit: number): Promise<number> {
    return this.statement((now) => {
      const due = [...this.database.table<ScheduleRow>('schedule').values()]
        .filter(({ dueAt }) => dueAt <= now)
        .sort((a, b) => a.dueAt - b.dueAt)
        .slice(0, limit);
      const session = new Session(this.database);
      for (const { entry } of due) {
        session.put('schedule', entry.id, undefined);
        session.append(entry);
      }
      session.commit();
      return due.length;
    });
  }

  outboxStatus(): Promise<OutboxStatus> {
    return this.statement((now) => {
      const { last, win, position } = this.database.cursor.place;
      const waiting = this.database.outbox.slice(last).filter((record, i) => {
        return win === null || last + i >= win || record.position > position;
      });
      return { oldestMs: waiting.reduce((oldest, { time }) => Math.max(oldest, now - time.getTime()), 0) };
    });
  }

  async wait(what: 'outbox' | 'effects', ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    const look = () => {
      if (this.news.has(what) || signal.aborted) end();
    };
    this.waiting.add(look);
    signal.addEventListener('abort', end);
    look();
    await this.runtime.sleep(ms, over.signal);
    signal.removeEventListener('abort', end);
    this.waiting.delete(look);
    this.news.delete(what);
  }

  ping(): Promise<void> {
    return this.statement(() => undefined);
  }

  /** As the end of a process would: open transactions are rolled back, its lease and its claims end. */
  close(): Promise<void> {
    this.database.disconnect(this.connection);
    this.unlisten();
    for (const session of this.sessions) session.rollback();
    return Promise.resolve();
  }

  private claim(
    now: number,
    kinds: readonly string[],
    limit: number,
    leaseMs: number,
    madeBefore: number,
    first = 0,
  ): OpenEffect[] {
    // Effects are numbered as they were added, so the first open one of a key is its oldest.
    const oldest = new Map<string, EffectRow>();
    for (const row of this.database.table<EffectRow>('effects').values()) {
      const known = oldest.get(row.effect.key);
      if (row.open && (!known || Number(row.effect.id) < Number(known.effect.id))) oldest.set(row.effect.key, row);
    }
    const due = [...oldest.values()]
      .filter(({ effect }) => kinds.includes(effect.kind) && !this.database.isLocked('effects', effect.id))
      .filter(({ dueAt, runner }) => dueAt <= now || (runner && !this.database.isConnected(runner)))
      .sort(byTurn)
      .filter(({ effect }) => effect.attempts === 0 || madeBefore-- > 0);
    const made = due.filter(({ effect }) => effect.attempts > 0).slice(0, first);
    const claimed = [...new Set([...made, ...due])].slice(0, limit).sort(byTurn);
    return claimed.map((row) => {
      if (row.runner && !this.database.isConnected(row.runner)) row.effect.attempts++;
      const effect = structuredClone(row.effect);
      row.dueAt = now + leaseMs;
      row.runner = this.connection;
      return effect;
    });
  }

  /** Runs a statement that is a transaction by itself, at the time `now`. */
  private async statement<R>(run: (now: number) => R): Promise<R> {
    this.assertOpen();
    return Promise.resolve(run(this.database.now()));
  }

  private assertOpen(): void {
    if (!this.database.isConnected(this.connection)) throw new StoreError('unavailable', 'the connection is closed');
  }
}
