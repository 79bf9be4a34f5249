import type { Service } from '@order-events/contracts';
import {
  RELAY,
  StoreError,
  type InboxEntry,
  type LogReader,
  type LogRecord,
  type OpenEffect,
  type OutboxEntry,
  type Presence,
  type Store,
  type Tx,
} from '@order-events/messaging';
import { following, SteppedAudit } from './audit-store';
import type { Faults } from './faults';
import type { Replica } from './replica';
import type { AuditedStore, Database } from './workspace';

/** What one transaction changed. */
export interface Commit {
  service: Service;
  rows: { table: string; key: string; row: Record<string, unknown> }[];
  taken: InboxEntry[];
  events: OutboxEntry[];
  /** Effects that it closed. */
  closed: ClosedEffect[];
}

export interface ClosedEffect {
  kind: string;
  key: string;
  idempotencyKey: string;
}

/** A service's database with what happens to it. */
export interface ServiceDatabase {
  service: Service;
  database: Database;
  /** Its clock, milliseconds. */
  now(): number;
  away: boolean;
  /** An operator wants its service to consume nothing. */
  paused: boolean;
  /** The stores of its processes that live. */
  readonly stores: Set<SteppedStore>;
}

export interface SteppedStoreOptions {
  /** Connects to the store proper. */
  connect(): AuditedStore;
  on: ServiceDatabase;
  replica: Replica;
  faults: Faults;
  committed(commit: Commit): void;
  claimed(effects: readonly OpenEffect[]): void;
  released(idempotencyKey: string): void;
  verified(group: string, records: readonly LogRecord[]): void;
}

/** A store whose statements are steps: others come between them, and they fail as those of a real database do. */
export class SteppedStore implements AuditedStore {
  readonly audit: SteppedAudit;
  private inner: AuditedStore;

  constructor(private readonly options: SteppedStoreOptions) {
    this.inner = options.connect();
    const { on, verified } = options;
    on.stores.add(this);
    this.audit = new SteppedAudit({
      ...{ database: on.database, verified },
      connected: () => this.inner.audit,
      reach: (label, detail) => this.reach(label, detail),
      assertThere: () => this.assertThere(),
    });
  }

  /** Ends the connection: open transactions are rolled back, the lease and the claims end. The next use connects anew. */
  cut(): void {
    void this.inner.close();
    this.inner = this.options.connect();
  }

  async transact<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    const { on, replica, faults, committed } = this.options;
    await this.reach('begin');
    const commit: Commit = { service: on.service, rows: [], taken: [], events: [], closed: [] };
    const result = await this.inner.transact(async (tx) => {
      const result = await work(this.recording(tx, commit));
      await this.reach('commit', describe(commit));
      if (faults.happens('commit refused', 0.05)) throw new StoreError('unavailable', 'the connection broke');
      if (faults.happens('contention', 0.05)) throw new StoreError('contended', 'could not serialise');
      return result;
    });
    committed(commit);
    await replica.step('committed');
    if (faults.happens('commit of unknown outcome', 0.06))
      throw new StoreError('unavailable', 'the answer to the commit was lost');
    return result;
  }

  /** Whether an operator wants the service to consume nothing. */
  async isPaused(): Promise<boolean> {
    this.assertThere();
    await this.inner.ping();
    return this.options.on.paused;
  }

  /** Of whoever is connected now: a process whose connection was cut says anew that it is there. */
  get presence(): Presence {
    return {
      name: this.inner.presence.name,
      watch: async (ms) => {
        this.assertThere();
        return this.inner.presence.watch(ms);
      },
      leave: async () => {
        this.assertThere();
        await this.inner.presence.leave();
      },
    };
  }

  async dueRetries(...args: Parameters<Store['dueRetries']>): ReturnType<Store['dueRetries']> {
    this.assertThere();
    const due = await this.inner.dueRetries(...args);
    if (due.length > 0) await this.reach('retry', `${due.length} events`);
    return due;
  }

  async claimEffects(...args: Parameters<Store['claimEffects']>): ReturnType<Store['claimEffects']> {
    this.assertThere();
    return this.claimed(await this.inner.claimEffects(...args));
  }

  outsideIsAway(): Promise<void> {
    this.assertThere();
    return this.inner.outsideIsAway();
  }

  async probeOutside(...args: Parameters<Store['probeOutside']>): ReturnType<Store['probeOutside']> {
    this.assertThere();
    const claimed = await this.inner.probeOutside(...args);
    return claimed === 'back' ? claimed : this.claimed(claimed);
  }

  outsideIsBack(): Promise<void> {
    this.assertThere();
    return this.inner.outsideIsBack();
  }

  async deferEffect(...args: Parameters<Store['deferEffect']>): Promise<void> {
    await this.reach('defer', args[1]);
    const effects = this.options.on.database.table<{ effect: ClosedEffect }>('effects');
    this.options.released(effects.get(args[0])!.effect.idempotencyKey);
    await this.inner.deferEffect(...args);
  }

  outbox(): LogReader {
    const current = following(
      () => this.inner,
      (store) => store.outbox(),
    );
    return {
      letters: RELAY,
      lease: async (ms) => {
        this.assertThere();
        return current().lease(ms);
      },
      page: async (limit) => {
        this.assertThere();
        const page = await current().page(limit);
        if (page.length > 0) await this.reach('page', page.map(({ topic, key }) => `${topic} ${key}`).join(', '));
        return page;
      },
      commit: async (refused) => {
        await this.reach('relayed');
        await current().commit(refused);
      },
      rewind: () => current().rewind(),
      release: () => current().release(),
    };
  }

  async appendDue(...args: Parameters<Store['appendDue']>): ReturnType<Store['appendDue']> {
    this.assertThere();
    return this.inner.appendDue(...args);
  }

  async outboxStatus(): ReturnType<Store['outboxStatus']> {
    this.assertThere();
    return this.inner.outboxStatus();
  }

  async wait(what: 'outbox' | 'effects', ms: number, signal: AbortSignal): Promise<void> {
    const { faults, replica } = this.options;
    if (faults.happens('lost wake-up', 0.3)) await replica.runtime.sleep(ms, signal);
    else await this.inner.wait(what, ms, signal);
  }

  ping(): Promise<void> {
    this.assertThere();
    return this.inner.ping();
  }

  close(): Promise<void> {
    this.options.on.stores.delete(this);
    return this.inner.close();
  }

  private async claimed(effects: OpenEffect[]): Promise<OpenEffect[]> {
    this.options.claimed(effects);
    if (effects.length > 0) await this.reach('claimed', effects.map(({ idempotencyKey }) => idempotencyKey).join(', '));
    return effects;
  }

  private async reach(label: string, detail?: string): Promise<void> {
    await this.options.replica.step(label, detail);
    this.assertThere();
  }

  private assertThere(): void {
    if (this.options.on.away) throw new StoreError('unavailable', 'the database is away');
  }

  private recording(tx: Tx, commit: Commit): Tx {
    const { database } = this.options.on;
    return {
      lock: async (tables, keys) => {
        const rows = await tx.lock(tables, keys);
        await this.reach('locked');
        return rows;
      },
      write: (tables, rows) => {
        for (const [name, list] of Object.entries(rows) as [string, readonly Record<string, unknown>[]][])
          for (const row of list) {
            const table = tables[name]!;
            commit.rows.push({ table: table.name, key: row[table.key] as string, row });
          }
        return tx.write(tables, rows);
      },
      held: (group, ids) => tx.held(group, ids),
      take: (group, entries) => {
        commit.taken.push(...entries);
        return tx.take(group, entries);
      },
      intend: (effects) => tx.intend(effects),
      closeEffects: async (ids) => {
        const closed = await tx.closeEffects(ids);
        const effects = database.table<{ effect: ClosedEffect }>('effects');
        commit.closed.push(...[...closed].map((id) => effects.get(id)!.effect));
        return closed;
      },
      append: (events) => {
        commit.events.push(...events);
        return tx.append(events);
      },
    };
  }
}

function describe({ taken, closed, events }: Commit): string {
  const causes = [
    ...taken.map(({ topic, key, state }) => `${topic} ${key} ${state}`),
    ...closed.map(({ idempotencyKey }) => `${idempotencyKey} answered`),
  ];
  const told = events.map(({ topic, key }) => `${topic} ${key}`);
  return [causes.join(', '), told.join(', ')].filter((part) => part !== '').join(' → ');
}
