import { RELAY } from '@order-events/messaging';
import type { Database, Statement } from './database';

/** Which rows are shown; of what is left out, any. */
export interface RowFilter {
  state?: string;
  /** The order. */
  key?: string;
  limit: number;
}

/** What is neither done nor given up. */
export interface Unfinished extends Record<string, unknown> {
  retrying: number;
  dead: number;
  effects: number;
}

export interface Scheduled extends Record<string, unknown> {
  count: number;
  next_at: Date | null;
}

// One statement for each way to look, because a plan is made once for all values: where "any key" is one of them, that is
// the whole table. What an index has found is put aside before it is sorted, or an order that another index has may win.
// Failures are looked up one by one (OFFSET 0): as a join, all of them might be read.
const inbox = (found: string) => `
  WITH found AS MATERIALIZED (${found})
  SELECT i.consumer_group, i.id, i.topic, i.key, i.state, i.at, f.attempts, f.due_at, f.errors
  FROM (SELECT * FROM found ORDER BY at DESC LIMIT $1) i LEFT JOIN LATERAL (
    SELECT attempts, due_at, errors FROM failures
    WHERE consumer_group = i.consumer_group AND id = i.id OFFSET 0) f ON true
  ORDER BY i.at DESC`;
const SHOWN_OF_OUTBOX = 'position, id, topic, key, created_at';
// Not with what they are called: that may be a customer's address or card.
const SHOWN_OF_EFFECTS = 'seq, kind, key, idempotency_key, state, attempts, due_at, created_at, closed_at, errors';

export const operatorReadsSql = {
  inboxOfKey: {
    name: 'inbox_of_key',
    text: inbox('SELECT * FROM inbox WHERE key = $2 AND ($3::text IS NULL OR state = $3)'),
  },
  inboxUnapplied: {
    name: 'inbox_unapplied',
    text: inbox(`SELECT * FROM inbox WHERE state = $2 AND state <> 'applied' ORDER BY at DESC LIMIT $1`),
  },
  // By the time in their ids. Above that of tomorrow stands only what was named for want of an id of its own.
  inboxNewest: {
    name: 'inbox_newest',
    text: inbox(`
      SELECT i.* FROM unnest($2::text[]) AS g (name), LATERAL (
        SELECT * FROM inbox
        WHERE consumer_group = g.name AND ($3::text IS NULL OR state = $3)
          AND id < first_uuid_of((clock_timestamp() AT TIME ZONE 'UTC')::date + 1)
        ORDER BY id DESC LIMIT $1) i`),
  },
  outboxOfKey: {
    name: 'outbox_of_key',
    text: `WITH found AS MATERIALIZED (SELECT ${SHOWN_OF_OUTBOX} FROM outbox WHERE key = $2)
           SELECT * FROM found ORDER BY position DESC LIMIT $1`,
  },
  outboxNewest: {
    name: 'outbox_newest',
    text: `SELECT ${SHOWN_OF_OUTBOX} FROM outbox WHERE partition = 0 ORDER BY position DESC LIMIT $1`,
  },
  toldSince: {
    name: 'outbox_told_since',
    text: 'SELECT count(*)::integer AS count FROM outbox WHERE topic = $1 AND created_at >= $2',
  },
  effectsOfKey: {
    name: 'effects_of_key',
    text: `WITH found AS MATERIALIZED (
             SELECT ${SHOWN_OF_EFFECTS} FROM effects WHERE key = $2 AND ($3::text IS NULL OR state = $3))
           SELECT * FROM found ORDER BY seq DESC LIMIT $1`,
  },
  effectsUnfinished: {
    name: 'effects_unfinished',
    text: `WITH found AS MATERIALIZED (
             SELECT ${SHOWN_OF_EFFECTS} FROM effects WHERE state = $2 AND state <> 'closed')
           SELECT * FROM found ORDER BY seq DESC LIMIT $1`,
  },
  effectsNewest: {
    name: 'effects_newest',
    text: `SELECT ${SHOWN_OF_EFFECTS} FROM effects WHERE ($2::text IS NULL OR state = $2) ORDER BY seq DESC LIMIT $1`,
  },
  scheduled: {
    name: 'schedule_waiting',
    text: 'SELECT count(*)::integer AS count, min(due_at) AS next_at FROM schedule',
  },
  unfinished: {
    name: 'unfinished',
    text: `SELECT (SELECT count(*) FROM failures WHERE due_at IS NOT NULL)::integer AS retrying,
             (SELECT count(*) FROM inbox WHERE state = 'dead')::integer AS dead,
             (SELECT count(*) FROM effects WHERE state <> 'closed')::integer AS effects`,
  },
  // Who finds it away asks again each second; whoever found it so and has ended asks no more.
  outsideAway: {
    name: 'outside_away',
    text: `SELECT away_since FROM outside WHERE asked_at > clock_timestamp() - interval '1 minute'`,
  },
} satisfies Record<string, Statement>;
const sql = operatorReadsSql;

type Rows = Promise<Record<string, unknown>[]>;

/** An operator's view of the tables that every service has; the newest rows first. */
export class OperatorReads {
  constructor(private readonly database: Database) {}

  /** What the group has taken in, and what the broker refused. */
  inbox(group: string, { state, key, limit }: RowFilter): Rows {
    if (key !== undefined) return this.database.query(sql.inboxOfKey, [limit, key, state ?? null]);
    if (state !== undefined && state !== 'applied') return this.database.query(sql.inboxUnapplied, [limit, state]);
    return this.database.query(sql.inboxNewest, [limit, [group, RELAY], state ?? null]);
  }

  /** Published or not. */
  outbox({ key, limit }: Omit<RowFilter, 'state'>): Rows {
    if (key !== undefined) return this.database.query(sql.outboxOfKey, [limit, key]);
    return this.database.query(sql.outboxNewest, [limit]);
  }

  /** Events for later, and when the first of them is due. */
  async scheduled(): Promise<Scheduled> {
    return (await this.database.query<Scheduled>(sql.scheduled))[0]!;
  }

  /** How many events of the topic are in the log since then. Reads that part of the log. */
  async toldSince(topic: string, since: Date): Promise<number> {
    return (await this.database.query<{ count: number }>(sql.toldSince, [topic, since]))[0]!.count;
  }

  effects({ state, key, limit }: RowFilter): Rows {
    if (key !== undefined) return this.database.query(sql.effectsOfKey, [limit, key, state ?? null]);
    if (state !== undefined && state !== 'closed') return this.database.query(sql.effectsUnfinished, [limit, state]);
    return this.database.query(sql.effectsNewest, [limit, state ?? null]);
  }

  /** Since when no call to the outside is answered; null: it is there, as far as the processes that live know. */
  async outsideAwaySince(): Promise<Date | null> {
    return (await this.database.query<{ away_since: Date | null }>(sql.outsideAway))[0]?.away_since ?? null;
  }

  async unfinished(): Promise<Unfinished> {
    return (await this.database.query<Unfinished>(sql.unfinished))[0]!;
  }
}
