import { hostname } from 'node:os';
import {
  StoreError,
  type EffectEntry,
  type InboxEntry,
  type Keys,
  type Known,
  type OutboxEntry,
  type Row,
  type Rows,
  type Table,
  type Tables,
  type Tx,
  type Writes,
} from '@order-events/messaging';
import type { Queryable } from './database';
import { logColumns } from './log-cursors';
import { logSql } from './log-sql';
import { storable } from './storable';
import { tableSql } from './table-sql';

const ERRORS_KEPT = 5;
const ERROR_CHARACTERS = 4096;
const HOST = hostname();

const sql = {
  held: {
    name: 'inbox_held',
    text: `SELECT id, state FROM inbox WHERE consumer_group = $1 AND id = ANY ($2::uuid[])
           UNION ALL
           SELECT id, 'forgotten' FROM unnest($2::uuid[]) AS asked (id)
           WHERE id < (SELECT before FROM inbox_horizon) AND uuid_extract_version(id) = 7`,
  },
  take: {
    name: 'inbox_take',
    text: `INSERT INTO inbox (consumer_group, id, state, topic, key)
           SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[])
           ON CONFLICT (consumer_group, id) DO UPDATE SET state = excluded.state, at = clock_timestamp()
           WHERE inbox.state NOT IN ('applied', 'discarded')
           RETURNING id`,
  },
  fail: {
    name: 'failures_add',
    text: `INSERT INTO failures (consumer_group, id, topic, key, headers, body, attempts, crashes, due_at, errors)
           SELECT $1, id, topic, key, headers, body, attempts, crashes, clock_timestamp() + delay * interval '1 millisecond',
             jsonb_build_array(
               jsonb_build_object('at', clock_timestamp(), 'host', $10::text, 'error', left(error, ${ERROR_CHARACTERS})))
           FROM unnest($2::uuid[], $3::text[], $4::text[], $5::json[], $6::bytea[], $7::integer[], $8::float8[], $9::text[], $11::integer[])
             AS f (id, topic, key, headers, body, attempts, delay, error, crashes)
           -- Whoever fails at an event may hold no lock of its key, and somebody else may have ended it meanwhile.
           WHERE NOT EXISTS (
             SELECT FROM inbox i
             WHERE i.consumer_group = $1 AND i.id = f.id AND i.state IN ('applied', 'discarded'))
           ON CONFLICT (consumer_group, id) DO UPDATE SET
             attempts = excluded.attempts, crashes = excluded.crashes, due_at = excluded.due_at,
             errors = jsonb_path_query_array(
               -- Of a try that has been heard of after all, not that it was not.
               CASE WHEN failures.crashes > coalesce(excluded.crashes, 0) THEN failures.errors - -1 ELSE failures.errors END
                 || excluded.errors, '$[last - ${ERRORS_KEPT - 1} to last]')`,
  },
  reopen: {
    name: 'inbox_reopen',
    text: `UPDATE inbox SET state = 'retrying'
           WHERE consumer_group = $1 AND id = ANY ($2::uuid[]) AND state = 'applied'`,
  },
  forget: {
    name: 'failures_forget',
    text: `DELETE FROM failures WHERE consumer_group = $1 AND id = ANY ($2::uuid[])`,
  },
  schedule: {
    name: 'schedule_add',
    text: `INSERT INTO schedule (id, topic, key, headers, body, due_at)
           SELECT id, topic, key, headers, body, clock_timestamp() + delay * interval '1 millisecond'
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::bytea[], $6::float8[])
             AS s (id, topic, key, headers, body, delay)`,
  },
  // Intending and closing happen under the lock of the key's state row, so nobody else changes what is open of a key.
  intend: {
    name: 'effects_intend',
    text: `INSERT INTO effects (kind, key, idempotency_key, input, causationid, traceparent, state)
           SELECT kind, key, idempotency_key, input, causationid, traceparent,
             CASE WHEN row_number() OVER (PARTITION BY key ORDER BY n) > 1
               OR EXISTS (SELECT FROM effects o WHERE o.key = i.key AND o.state <> 'closed')
             THEN 'waiting' ELSE 'open' END
           FROM (SELECT DISTINCT ON (idempotency_key) *
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::text[], $6::text[])
                   WITH ORDINALITY AS u (kind, key, idempotency_key, input, causationid, traceparent, n)
                 ORDER BY idempotency_key, n) i
           WHERE NOT EXISTS (SELECT FROM effects e WHERE e.idempotency_key = i.idempotency_key)
           ORDER BY n`,
  },
  // What it was called with may be a secret or somebody's address, and nobody asks for it any more.
  close: {
    name: 'effects_close',
    text: `UPDATE effects SET state = 'closed', closed_at = clock_timestamp(), input = 'null'
           WHERE idempotency_key = ANY ($1::text[]) AND state = 'open' RETURNING idempotency_key, key`,
  },
  // In a statement of its own, because it must see what the other one has closed.
  openNext: {
    name: 'effects_open_next',
    text: `UPDATE effects SET state = 'open', due_at = clock_timestamp()
           WHERE seq IN (SELECT min(seq) FROM effects WHERE key = ANY ($1::text[]) AND state = 'waiting' GROUP BY key)`,
  },
};

const isForNow = ({ delayMs }: OutboxEntry) => delayMs === undefined;

/**
 * One transaction of the store: every method is one statement for the whole batch, sent before the method returns, so
 * that methods that are called together share a round trip and are carried out in the order of the calls.
 */
export class PostgresTx implements Tx {
  /** What has come up that somebody waits for. */
  readonly added = { outbox: false, effects: false };

  constructor(private readonly session: Queryable) {}

  async lock<T extends Tables>(tables: T, keys: Keys<T>): Promise<Rows<T>> {
    const locked = await Promise.all(
      Object.entries<Table<Row>>(tables).map(async ([name, table]) => {
        const wanted = keys[name] ?? [];
        const rows =
          wanted.length > 0 && table.rows !== 'appended'
            ? await this.session.query<Record<string, unknown>>(tableSql(table).lock, [[...wanted].sort()])
            : [];
        return [name, new Map(rows.map((row) => [row[table.key] as string, row]))] as const;
      }),
    );
    return Object.fromEntries(locked) as unknown as Rows<T>;
  }

  async write<T extends Tables>(tables: T, rows: Writes<T>): Promise<void> {
    const written = Object.entries(rows) as [string, readonly object[]][];
    await Promise.all(
      written
        .filter(([, list]) => list.length > 0)
        .map(([name, list]) => this.session.query(tableSql(tables[name] as Table<Row>).write, [JSON.stringify(list)])),
    );
  }

  async held(group: string, ids: readonly string[]): Promise<ReadonlyMap<string, Known>> {
    const rows = await this.session.query<{ id: string; state: Known }>(sql.held, [group, ids]);
    const held = new Map(rows.map(({ id, state }) => [id, state]));
    // What is held is known, however old it is.
    for (const { id, state } of rows) if (state !== 'forgotten') held.set(id, state);
    return held;
  }

  async take(group: string, entries: readonly InboxEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const applied = entries.filter(({ state }) => state === 'applied');
    const [taken] = await Promise.all([
      this.session.query<{ id: string }>(sql.take, [
        group,
        entries.map(({ id }) => id),
        entries.map(({ state }) => state),
        entries.map(({ topic }) => storable(topic)),
        entries.map(({ key }) => storable(key)),
      ]),
      this.fail(group, entries),
      // Another process may have failed at one since the inbox was asked: also what was not tried again before.
      applied.length > 0 && this.session.query(sql.forget, [group, applied.map(({ id }) => id)]),
    ]);
    const moved = new Set(taken.map(({ id }) => id));
    if (applied.some(({ id, retried }) => retried && !moved.has(id)))
      throw new StoreError('contended', 'somebody else has ended an event that was being tried again');
  }

  /** What was `applied` may come to another state again. */
  async reopen(group: string, entries: readonly InboxEntry[]): Promise<void> {
    await this.session.query(sql.reopen, [group, entries.map(({ id }) => id)]);
  }

  async intend(effects: readonly EffectEntry[]): Promise<void> {
    if (effects.length === 0) return;
    await this.session.query(sql.intend, [
      effects.map(({ kind }) => kind),
      effects.map(({ key }) => key),
      effects.map(({ idempotencyKey }) => idempotencyKey),
      effects.map(({ input }) => JSON.stringify(input)),
      effects.map(({ causationid }) => causationid ?? null),
      effects.map(({ traceparent }) => traceparent ?? null),
    ]);
    this.added.effects = true;
  }

  async closeEffects(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.session.query<{ idempotency_key: string; key: string }>(sql.close, [ids]);
    if (rows.length > 0) {
      await this.session.query(sql.openNext, [rows.map(({ key }) => key)]);
      this.added.effects = true;
    }
    return new Set(rows.map(({ idempotency_key }) => idempotency_key));
  }

  async append(events: readonly OutboxEntry[]): Promise<void> {
    const [now, later] = [events.filter(isForNow), events.filter((event) => !isForNow(event))];
    await Promise.all([this.schedule(later), this.publish(now)]);
  }

  private async publish(events: readonly OutboxEntry[]): Promise<void> {
    if (events.length === 0) return;
    const columns = logColumns(events.map((event) => ({ ...event, partition: 0 })));
    await this.session.query(logSql('outbox').append, columns);
    this.added.outbox = true;
  }

  private async schedule(events: readonly OutboxEntry[]): Promise<void> {
    if (events.length === 0) return;
    const [, ...columns] = logColumns(events.map((event) => ({ ...event, partition: 0 })));
    await this.session.query(sql.schedule, [...columns, events.map(({ delayMs }) => delayMs)]);
  }

  private async fail(group: string, entries: readonly InboxEntry[]): Promise<void> {
    const failures = entries.flatMap(({ id, topic, key, failure }) =>
      failure ? [{ id, topic, key, ...failure }] : [],
    );
    if (failures.length === 0) return;
    await this.session.query(sql.fail, [
      group,
      failures.map(({ id }) => id),
      failures.map(({ topic }) => storable(topic)),
      failures.map(({ key }) => storable(key)),
      failures.map(({ message }) => JSON.stringify(message.headers)),
      failures.map(({ message }) => Buffer.from(message.body)),
      failures.map(({ attempts }) => attempts),
      failures.map(({ delayMs }) => delayMs ?? null),
      failures.map(({ error }) => storable(error)),
      HOST,
      failures.map(({ crashes }) => crashes ?? null),
    ]);
  }
}
