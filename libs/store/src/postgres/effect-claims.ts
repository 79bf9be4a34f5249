import type { OpenEffect } from '@order-events/messaging';
import type { Database } from './database';
import { storable } from './storable';
import type { Backend, RunOn, Wake } from './wake';

export interface EffectClaimsOptions {
  database: Database;
  /** Of this process, unlike any other. */
  owner: string;
  /** By its connection others see that this process lives. */
  wake: Pick<Wake, 'backend' | 'connected'>;
}

/** How often effects are looked for whose runner is gone. */
const FREE_EVERY_MS = 1_000;
/**
 * In so many looks in a row a runner's connection is not there when the runner is dead: one that has only lost it tries
 * every half second to come back. Looks are counted and not time, because without the database nobody can come back.
 */
const GONE_LOOKS = 4;

const lives = `EXISTS (SELECT FROM pg_stat_get_activity(runner_backend) a WHERE a.backend_start = runner_backend_start)`;

// The lease is for a runner that hangs. One whose connection is gone is either dead or coming back: see `gone`.
const due = `state = 'open' AND due_at <= clock_timestamp() AND kind = ANY ($1::text[])
        AND (runner_backend IS NULL OR runner = $4 OR ${lives})`;

// Claims what may be called: `$2` of those that were called least often, at most `$7` that were called at all, and `$8` of
// these before those that never were. The two are looked for apart, each by its own stretch of the index.
// A claim's rows are chosen in an ARRAY(…), which is evaluated once; a joined sub-select with SKIP LOCKED may be
// evaluated again for each row, and then chooses more than its limit.
const claim = `
  WITH made AS MATERIALIZED (
    SELECT ARRAY(
      SELECT seq FROM effects WHERE ${due} AND attempts > 0
      ORDER BY attempts, due_at LIMIT least($7::bigint, $2::bigint) FOR UPDATE SKIP LOCKED) AS seqs)
  UPDATE effects SET due_at = clock_timestamp() + $3 * interval '1 millisecond',
    runner = $4, runner_backend = $5, runner_backend_start = $6
  WHERE seq = ANY ((
    ARRAY(
      SELECT seq FROM effects WHERE ${due} AND attempts = 0
      ORDER BY due_at LIMIT $2::bigint - least($8::bigint, (SELECT cardinality(seqs) FROM made)) FOR UPDATE SKIP LOCKED)
    || (SELECT seqs FROM made))[1:$2::bigint::integer])
  RETURNING seq, kind, key, idempotency_key, input, causationid, traceparent, attempts, answer`;

const sql = {
  claim: { name: 'effects_claim', text: claim },
  outsideIsAway: {
    name: 'outside_is_away',
    text: `INSERT INTO outside (away_since) VALUES (clock_timestamp())
           ON CONFLICT (only_row) DO UPDATE SET away_since = coalesce(outside.away_since, excluded.away_since)`,
  },
  // A clock that was set back has asked in what is its future now.
  askOutside: {
    name: 'outside_ask',
    text: `WITH asked AS (
             UPDATE outside SET asked_at = clock_timestamp()
             WHERE away_since IS NOT NULL
               AND (asked_at <= clock_timestamp() - $1 * interval '1 millisecond' OR asked_at > clock_timestamp())
             RETURNING 1)
           SELECT EXISTS (SELECT FROM asked) AS ours,
             NOT EXISTS (SELECT FROM outside WHERE away_since IS NOT NULL)
               OR NOT EXISTS (SELECT FROM effects WHERE state = 'open') AS back`,
  },
  outsideIsBack: {
    name: 'outside_is_back',
    text: 'UPDATE outside SET away_since = NULL WHERE away_since IS NOT NULL',
  },
  keep: {
    name: 'effects_keep',
    text: `UPDATE effects SET runner_backend = $2, runner_backend_start = $3,
             due_at = clock_timestamp() + $4 * interval '1 millisecond'
           WHERE state = 'open' AND runner = $1`,
  },
  gone: {
    name: 'effects_gone',
    text: `SELECT DISTINCT runner_backend AS pid, runner_backend_start::text AS start FROM effects
           WHERE state = 'open' AND runner_backend IS NOT NULL AND runner <> $1 AND NOT ${lives}`,
  },
  free: {
    name: 'effects_free',
    text: `UPDATE effects SET due_at = clock_timestamp(), attempts = attempts + 1, runner = NULL, runner_backend = NULL
           FROM unnest($1::integer[], $2::timestamptz[]) AS gone (pid, start)
           WHERE state = 'open' AND runner_backend = gone.pid AND runner_backend_start = gone.start`,
  },
  defer: {
    name: 'effects_defer',
    text: `UPDATE effects SET due_at = clock_timestamp() + $2 * interval '1 millisecond', attempts = attempts + 1,
             runner = NULL, runner_backend = NULL, answer = coalesce($5, answer),
             errors = jsonb_path_query_array(
               errors || jsonb_build_object('at', clock_timestamp(), 'error', left($3, 4096)), '$[last - 4 to last]')
           WHERE idempotency_key = $1 AND state = 'open' AND (runner IS NULL OR runner = $4)`,
  },
};

interface EffectRow extends Omit<OpenEffect, 'id' | 'idempotencyKey'> {
  seq: number;
  answer: unknown;
  idempotency_key: string;
  causationid: string;
  traceparent: string;
}

/** Which effects this process has in hand, and the others when theirs are free. */
export class EffectClaims {
  private lookedAt = -Infinity;
  private leaseMs = 0;
  /** Connections that were not there, by the number of looks. */
  private gone = new Map<string, Backend & { looks: number }>();

  constructor(private readonly options: EffectClaimsOptions) {}

  /** As `Store.claimEffects`. */
  async claim(
    kinds: readonly string[],
    limit: number,
    leaseMs: number,
    madeBefore = limit,
    first = 0,
  ): Promise<OpenEffect[]> {
    const { database, owner, wake } = this.options;
    await this.freeThoseOfTheDead();
    this.leaseMs = leaseMs;
    const own = await wake.connected();
    const values = [kinds, limit, leaseMs, owner, own?.pid ?? null, own?.start ?? null, madeBefore, first];
    const rows = await database.query<EffectRow>(sql.claim, values);
    // A connection that was made meanwhile has carried over what was in hand then, and not these.
    if (wake.backend && wake.backend !== own) await this.keep(wake.backend, (...asked) => database.query(...asked));
    rows.sort((a, b) => a.seq - b.seq);
    // Not by its number: in a restored database that is another's, and an answer may still come from before.
    return rows.map(({ seq: _, idempotency_key, answer, ...effect }) => ({
      ...effect,
      ...(answer !== null && { answer }),
      id: idempotency_key,
      idempotencyKey: idempotency_key,
    }));
  }

  /** As `Store.probeOutside`. */
  async probe(
    kinds: readonly string[],
    leaseMs: number,
    everyMs: number,
    madeBefore = 1,
  ): Promise<OpenEffect[] | 'back'> {
    const [asked] = await this.options.database.query<{ ours: boolean; back: boolean }>(sql.askOutside, [everyMs]);
    if (asked!.back) return 'back';
    return asked!.ours ? this.claim(kinds, 1, leaseMs, madeBefore) : [];
  }

  /** As `Store.outsideIsAway`. */
  async outsideIsAway(): Promise<void> {
    await this.options.database.query(sql.outsideIsAway);
  }

  /** As `Store.outsideIsBack`. */
  async outsideIsBack(): Promise<void> {
    await this.options.database.query(sql.outsideIsBack);
  }

  /** As `Store.deferEffect`. */
  async defer(id: string, error: string, delayMs: number, answer?: unknown): Promise<void> {
    const { database, owner } = this.options;
    const json = answer === undefined ? null : JSON.stringify(answer);
    await database.query(sql.defer, [id, delayMs, storable(error), owner, json]);
  }

  /** Carries what is in hand over to a new connection, so that it is not taken for that of a dead process. */
  async keep({ pid, start }: Backend, run: RunOn): Promise<void> {
    if (this.leaseMs === 0) return;
    await run(sql.keep, [this.options.owner, pid, start, this.leaseMs]);
  }

  private async freeThoseOfTheDead(): Promise<void> {
    const { database, owner } = this.options;
    if (performance.now() - this.lookedAt < FREE_EVERY_MS) return;
    const before = this.gone;
    this.gone = new Map();
    const rows = await database.query<Backend>(sql.gone, [owner]);
    this.lookedAt = performance.now();
    for (const row of rows) {
      const name = `${row.pid} ${row.start}`;
      this.gone.set(name, { ...row, looks: (before.get(name)?.looks ?? 0) + 1 });
    }
    const dead = [...this.gone.values()].filter(({ looks }) => looks >= GONE_LOOKS);
    if (dead.length === 0) return;
    await database.query(sql.free, [dead.map(({ pid }) => pid), dead.map(({ start }) => start)]);
  }
}
