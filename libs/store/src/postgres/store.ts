import { randomUUID } from 'node:crypto';
import type { LogReader, Message, OpenEffect, OutboxStatus, Retry, Store, Tx } from '@order-events/messaging';
import { PostgresAudit } from './audit';
import { Database, type Queryable } from './database';
import { OutboxReader } from './outbox-reader';
import { PostgresTx, storable } from './tx';
import { Wake, type Listener } from './wake';

export interface PostgresStoreOptions {
  url: string;
  /** Most connections, besides the one for wake-ups. */
  connections: number;
  applicationName: string;
  /** A connection broke while nobody used it; it is made again by itself. */
  onError(error: Error): void;
}

/** How long the retry worker has for what it fetched, before another may fetch it too. */
const RETRY_LEASE_MS = 30_000;

/** How often effects are looked for whose runner is gone. */
const FREE_EVERY_MS = 1_000;

// A claim's rows are chosen in an ARRAY(…), which is evaluated once; a joined sub-select with SKIP LOCKED may be
// evaluated again for each row, and then chooses more than its limit.
const sql = {
  dueRetries: {
    name: 'failures_due',
    text: `UPDATE failures SET due_at = clock_timestamp() + ${RETRY_LEASE_MS} * interval '1 millisecond'
           WHERE consumer_group = $1 AND id = ANY (ARRAY(
             SELECT id FROM failures
             WHERE consumer_group = $1 AND due_at <= clock_timestamp()
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
           RETURNING id, topic, key, headers, body, attempts`,
  },
  claimEffects: {
    name: 'effects_claim',
    text: `UPDATE effects SET attempts = attempts + 1, due_at = clock_timestamp() + $3 * interval '1 millisecond',
             runner = $4, runner_backend = $5, runner_backend_start = $6
           WHERE seq = ANY (ARRAY(
             SELECT seq FROM effects
             WHERE state = 'open' AND due_at <= clock_timestamp() AND kind = ANY ($1::text[])
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
           RETURNING seq, kind, key, idempotency_key, input, causationid, traceparent, attempts - 1 AS attempts, answer`,
  },
  // The claim of a process that died ends with its connection; the lease is for one that hangs.
  freeEffects: {
    name: 'effects_free',
    text: `UPDATE effects e SET due_at = clock_timestamp(), runner_backend = NULL
           WHERE state = 'open' AND runner_backend IS NOT NULL AND runner <> $1 AND NOT EXISTS (
             SELECT FROM pg_stat_get_activity(e.runner_backend) a WHERE a.backend_start = e.runner_backend_start)`,
  },
  deferEffect: {
    name: 'effects_defer',
    text: `UPDATE effects SET due_at = clock_timestamp() + $2 * interval '1 millisecond', runner_backend = NULL, answer = coalesce($5, answer),
             errors = jsonb_path_query_array(
               errors || jsonb_build_object('at', clock_timestamp(), 'error', left($3, 4096)), '$[last - 4 to last]')
           WHERE seq = $1 AND state = 'open' AND runner = $4`,
  },
  // The oldest record that the relay has not published: behind the place in its open window, or in none yet.
  outboxStatus: {
    name: 'outbox_status',
    text: `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - created_at)) * 1000, 0)::float8 AS oldest_ms
           FROM log_cursor c, LATERAL (
             (SELECT created_at FROM outbox
              WHERE c.win IS NULL AND partition = 0 AND xid >= pg_snapshot_xmax(c.last) ORDER BY xid LIMIT 1)
             UNION ALL
             (SELECT created_at FROM outbox
              WHERE c.win IS NOT NULL AND partition = 0 AND position > c.position ORDER BY position LIMIT 1)
           ) o
           WHERE c.log = 'outbox' AND c.reader = 'relay'`,
  },
};

interface EffectRow extends Omit<OpenEffect, 'id' | 'idempotencyKey'> {
  seq: number;
  answer: unknown;
  idempotency_key: string;
  causationid: string;
  traceparent: string;
}

/** The store port on the service's own Postgres database. */
export class PostgresStore implements Store {
  readonly database: Database;
  /** What the delivery audit needs of it. */
  readonly audit: PostgresAudit;
  private readonly wake: Wake;
  private readonly listeners: Record<'outbox' | 'effects', Listener>;
  private readonly owner = randomUUID();
  private freedAt = -Infinity;

  constructor(options: PostgresStoreOptions) {
    this.database = new Database(options);
    this.wake = new Wake({ ...options, channels: ['outbox', 'effects'] });
    this.audit = new PostgresAudit(this.database, this.owner, () => this.wake.connected());
    this.listeners = { outbox: this.wake.listen('outbox'), effects: this.wake.listen('effects') };
  }

  async transact<R>(work: (tx: Tx, session: Queryable) => Promise<R>): Promise<R> {
    let tx: PostgresTx | undefined;
    const result = await this.database.transact((session) => work((tx = new PostgresTx(session)), session));
    if (tx?.added.outbox) this.wake.poke('outbox');
    if (tx?.added.effects) this.wake.poke('effects');
    return result;
  }

  async dueRetries(group: string, limit: number): Promise<Retry[]> {
    const rows = await this.database.query<{ id: string; attempts: number } & Message>(sql.dueRetries, [group, limit]);
    return rows.map(({ id, attempts, ...message }) => ({ id, attempts, message }));
  }

  async claimEffects(kinds: readonly string[], limit: number, leaseMs: number): Promise<OpenEffect[]> {
    if (performance.now() - this.freedAt >= FREE_EVERY_MS) {
      this.freedAt = performance.now();
      await this.database.query(sql.freeEffects, [this.owner]);
    }
    const { pid = null, start = null } = (await this.wake.connected()) ?? {};
    const rows = await this.database.query<EffectRow>(sql.claimEffects, [
      kinds,
      limit,
      leaseMs,
      this.owner,
      pid,
      start,
    ]);
    rows.sort((a, b) => a.seq - b.seq);
    return rows.map(({ seq, idempotency_key, answer, ...effect }) => ({
      ...effect,
      ...(answer !== null && { answer }),
      id: String(seq),
      idempotencyKey: idempotency_key,
    }));
  }

  async deferEffect(id: string, error: string, delayMs: number, answer?: unknown): Promise<void> {
    const values = [id, delayMs, storable(error), this.owner, answer === undefined ? null : JSON.stringify(answer)];
    await this.database.query(sql.deferEffect, values);
  }

  outbox(): LogReader {
    return new OutboxReader(this.database, this.owner, () => this.wake.connected());
  }

  async outboxStatus(): Promise<OutboxStatus> {
    const [row] = await this.database.query<{ oldest_ms: number }>(sql.outboxStatus);
    return { oldestMs: row?.oldest_ms ?? 0 };
  }

  async wait(what: 'outbox' | 'effects', ms: number, signal: AbortSignal): Promise<void> {
    await this.listeners[what].wait(ms, signal);
  }

  /** Makes the partitions of the days ahead; to be called daily, and harmless to call more often. */
  async makePartitions(): Promise<void> {
    await this.database.query('SELECT make_partitions(7)');
  }

  async ping(): Promise<void> {
    await this.database.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.wake.close();
    await this.database.close();
  }
}
