import { randomUUID } from 'node:crypto';
import {
  PAGE_BYTES,
  type LogReader,
  type Message,
  type OpenEffect,
  type OutboxStatus,
  type Retry,
  type Store,
  type Tx,
} from '@order-events/messaging';
import { PostgresAudit } from './audit';
import { Database, type Queryable } from './database';
import { DeadLetters } from './dead-letters';
import { EffectClaims } from './effect-claims';
import { InboxRetention } from './inbox-retention';
import { OperatorActions } from './operator-actions';
import { OperatorReads } from './operator-reads';
import { OutboxReader } from './outbox-reader';
import { forgetLog, makePartitions, type Dropped } from './partitions';
import { PostgresPresence } from './presence';
import { PostgresTx } from './tx';
import { Wake, type Listener } from './wake';

export interface PostgresStoreOptions {
  url: string;
  /** Most connections, besides the one for wake-ups and two while an operator asks. */
  connections: number;
  applicationName: string;
  /** A connection broke while nobody used it; it is made again by itself. */
  onError(error: Error): void;
}

/** How long the retry worker has for what it fetched, before another may fetch it too. */
const RETRY_LEASE_MS = 30_000;
/** What an operator looks for must not take the connections of those that orders go through. */
const OPERATORS_CONNECTIONS = 2;

// A claim's rows are chosen in an ARRAY(…), which is evaluated once; a joined sub-select with SKIP LOCKED may be
// evaluated again for each row, and then chooses more than its limit.
const sql = {
  dueRetries: {
    name: 'failures_due',
    text: `WITH due AS MATERIALIZED (
             SELECT id, due_at, octet_length(body) AS bytes FROM failures f
             WHERE consumer_group = $1 AND due_at <= clock_timestamp()
               -- Who failed at it while another applied it may have filed that afterwards.
               AND EXISTS (SELECT FROM inbox i WHERE i.consumer_group = $1 AND i.id = f.id AND i.state = 'retrying')
             ORDER BY due_at LIMIT $2 FOR UPDATE OF f SKIP LOCKED),
           page AS (SELECT id, sum(bytes) OVER (ORDER BY due_at, id) - bytes AS bytes_before FROM due)
           UPDATE failures SET due_at = clock_timestamp() + ${RETRY_LEASE_MS} * interval '1 millisecond'
           WHERE consumer_group = $1
             AND id = ANY (ARRAY(SELECT id FROM page WHERE bytes_before < ${PAGE_BYTES}))
           RETURNING id, topic, key, headers, body, attempts, crashes`,
  },
  // What one has claimed another passes by; who dies meanwhile has moved nothing.
  appendDue: {
    name: 'schedule_append_due',
    text: `WITH due AS (
             DELETE FROM schedule WHERE id = ANY (ARRAY(
               SELECT id FROM schedule WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED))
             RETURNING id, topic, key, headers, body, due_at)
           INSERT INTO outbox (id, topic, key, headers, body)
           SELECT id, topic, key, headers, body FROM due ORDER BY due_at RETURNING 1`,
  },
  // The oldest record that the relay has not published: in no window yet, committed too late for one, or behind the place
  // in the open one.
  outboxStatus: {
    name: 'outbox_status',
    text: `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - created_at)) * 1000, 0)::float8 AS oldest_ms
           FROM log_cursor c, LATERAL (
             (SELECT created_at FROM outbox
              WHERE c.win IS NULL AND partition = 0 AND xid >= pg_snapshot_xmax(c.last) AND position > c.floor
              ORDER BY xid LIMIT 1)
             UNION ALL
             (SELECT created_at FROM outbox
              WHERE partition = 0 AND position > c.floor
                AND xid = ANY (ARRAY(SELECT pg_snapshot_xip(coalesce(c.win, c.last)))))
             UNION ALL
             (SELECT created_at FROM outbox
              WHERE c.win IS NOT NULL AND partition = 0 AND position > c.position ORDER BY position LIMIT 1)
             UNION ALL
             -- What came with a restore and is published once more.
             (SELECT created_at FROM outbox
              WHERE partition = 0 AND position > c.position AND position <= c.floor ORDER BY position LIMIT 1)
           ) o
           WHERE c.log = 'outbox' AND c.reader = 'relay'`,
  },
};

interface DueRow extends Message {
  id: string;
  attempts: number;
  crashes: number | null;
}

/** The store port on the service's own Postgres database. */
export class PostgresStore implements Store {
  readonly database: Database;
  /** What the delivery audit needs of it. */
  readonly audit: PostgresAudit;
  readonly deadLetters: DeadLetters;
  readonly inboxRetention: InboxRetention;
  readonly operatorActions: OperatorActions;
  readonly operatorReads: OperatorReads;
  readonly presence: PostgresPresence;
  private readonly operators: Database;
  private readonly wake: Wake;
  private readonly listeners: Record<'outbox' | 'effects', Listener>;
  private readonly owner = randomUUID();
  private readonly effects: EffectClaims;

  constructor(options: PostgresStoreOptions) {
    this.database = new Database(options);
    this.wake = new Wake({
      ...options,
      channels: ['outbox', 'effects'],
      onConnected: (own, run) => this.effects.keep(own, run),
    });
    this.effects = new EffectClaims({ database: this.database, owner: this.owner, wake: this.wake });
    const backend = () => this.wake.connected();
    this.audit = new PostgresAudit(this.database, this.owner, backend);
    this.presence = new PostgresPresence(this.database, this.owner, backend);
    this.operators = new Database({ ...options, connections: OPERATORS_CONNECTIONS });
    this.deadLetters = new DeadLetters(this.operators);
    this.inboxRetention = new InboxRetention(this.database);
    this.operatorActions = new OperatorActions(this.database);
    this.operatorReads = new OperatorReads(this.operators);
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
    const rows = await this.database.query<DueRow>(sql.dueRetries, [group, limit]);
    return rows.map(({ id, attempts, crashes, ...message }) => ({
      id,
      attempts,
      crashes: crashes ?? undefined,
      message,
    }));
  }

  claimEffects(...args: Parameters<Store['claimEffects']>): Promise<OpenEffect[]> {
    return this.effects.claim(...args);
  }

  outsideIsAway(): Promise<void> {
    return this.effects.outsideIsAway();
  }

  probeOutside(...args: Parameters<Store['probeOutside']>): Promise<OpenEffect[] | 'back'> {
    return this.effects.probe(...args);
  }

  outsideIsBack(): Promise<void> {
    return this.effects.outsideIsBack();
  }

  deferEffect(id: string, error: string, delayMs: number, answer?: unknown): Promise<void> {
    return this.effects.defer(id, error, delayMs, answer);
  }

  outbox(): LogReader {
    return new OutboxReader(this.database, this.owner, () => this.wake.connected());
  }

  /**
   * Another reader of the outbox beside the relay, with a place that `declareReaders` has given it.
   * @param letters the group in whose name what is refused to it is a dead letter
   */
  reader(name: string, letters: string): Pick<Store, 'outbox' | 'wait'> {
    const listener = this.wake.listen('outbox');
    return {
      outbox: () => new OutboxReader(this.database, this.owner, () => this.wake.connected(), letters, name),
      wait: async (_what, ms, signal) => void (await listener.wait(ms, signal)),
    };
  }

  async appendDue(limit: number): Promise<number> {
    const { length } = await this.database.query(sql.appendDue, [limit]);
    if (length > 0) this.wake.poke('outbox');
    return length;
  }

  async outboxStatus(): Promise<OutboxStatus> {
    const [row] = await this.database.query<{ oldest_ms: number }>(sql.outboxStatus);
    return { oldestMs: row?.oldest_ms ?? 0 };
  }

  async wait(what: 'outbox' | 'effects', ms: number, signal: AbortSignal): Promise<void> {
    await this.listeners[what].wait(ms, signal);
  }

  /** Makes the partitions of the days ahead; to be called daily, and harmless to call more often. */
  makePartitions(): Promise<void> {
    return makePartitions(this.database);
  }

  /** Forgets what was appended to the outbox more than so many days ago, was published, and is verified by every audit. */
  forgetOutbox(days: number): Promise<Dropped> {
    return forgetLog(this.database, 'outbox', days);
  }

  async ping(): Promise<void> {
    await this.database.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.wake.close();
    await Promise.all([this.operators.close(), this.database.close()]);
  }
}
