import {
  RELAY,
  type AuditLog,
  type AuditStatus,
  type AuditStore,
  type Holding,
  type LogRecord,
  type Published,
  type ReplayStart,
} from '@order-events/messaging';
import { LeaseLostError } from '../lease-lost';
import type { Database } from './database';
import { OutboxReader } from './outbox-reader';
import { declareReaders } from './readers';
import type { Backend } from './wake';

/** The cursor of a group's audit goes by this name. */
const READER = `'audit ' || $1`;
const readerOf = (group: string) => `audit ${group}`;

const sql = {
  add: {
    name: 'audit_add',
    text: `INSERT INTO audits (consumer_group) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`,
  },
  // An open window that is published to its end counts, too: the relay's lasting place leaves it with the next record only.
  published: {
    name: 'audit_published',
    text: `SELECT c.position, (CASE WHEN c.win IS NOT NULL AND NOT EXISTS (
             SELECT FROM outbox l WHERE l.partition = 0 AND l.position > c.position
               AND pg_visible_in_snapshot(l.xid, c.win) AND NOT pg_visible_in_snapshot(l.xid, c.last))
             THEN c.win ELSE c.last END)::text AS mark
           FROM log_cursor c WHERE c.log = 'outbox' AND c.reader = 'relay' AND c.position >= c.floor
             AND c.system_identifier = (pg_control_system()).system_identifier`,
  },
  // Nothing above the lowest record that is visible and not read counts as verified: it may have been committed late. Up
  // to the floor the snapshots say nothing: that is read by position, or was read before the cursor was set back.
  verify: {
    name: 'audit_verify',
    text: `UPDATE log_cursor c SET verified = coalesce((
             SELECT min(l.position) - 1 FROM outbox l
             WHERE l.partition = 0 AND l.xid >= pg_snapshot_xmin(coalesce(c.win, c.last))
               AND l.position > c.floor AND l.position <= c.position
               AND NOT pg_visible_in_snapshot(l.xid, coalesce(c.win, c.last))), c.position)
           WHERE c.log = 'outbox' AND c.reader = ${READER} AND c.owner = $2`,
  },
  ask: {
    name: 'audit_ask',
    text: `UPDATE audits SET question = $2, answer = NULL WHERE consumer_group = $1 AND question IS DISTINCT FROM $2`,
  },
  answer: {
    name: 'audit_answer',
    text: `UPDATE audits SET answer = $3 WHERE consumer_group = $1 AND question = $2`,
  },
  answerTo: {
    name: 'audit_answer_to',
    text: `SELECT answer FROM audits WHERE consumer_group = $1 AND question = $2 AND answer IS NOT NULL`,
  },
  tally: {
    name: 'audit_tally',
    text: `UPDATE audits SET missing = $2, resent = resent + $3 WHERE consumer_group = $1`,
  },
  // The newest id by the primary key, from the top of a range that is no wider than the audit is behind. The states by a
  // look for each id, once: a join would read the whole inbox where the planner thinks that cheaper.
  holding: {
    name: 'audit_holding',
    text: `SELECT coalesce(array_agg(id) FILTER (WHERE state IS NULL), '{}')::text[] AS missing,
             coalesce(array_agg(id) FILTER (WHERE state <> 'applied'), '{}')::text[] AS unapplied,
             (SELECT id FROM inbox
              WHERE consumer_group = $1 AND topic = ANY ($3::text[]) AND id > $4 AND id < $5
              ORDER BY id DESC LIMIT 1) AS newest
           FROM (SELECT id, (SELECT state FROM inbox i WHERE i.consumer_group = $1 AND i.id = asked.id) AS state
                 FROM unnest($2::uuid[]) AS asked (id) OFFSET 0) held`,
  },
  // As if nothing above the floor had been read; what came with a restore is read by position, up to the old floor. The next claim brings the new place to whoever owns the cursor.
  again: {
    name: 'audit_again',
    text: `UPDATE log_cursor c SET last = '1:1:', win = NULL, position = o.before, floor = greatest(o.before, c.floor),
             verified = o.before, epoch = epoch + 1, owner = NULL
           FROM (SELECT least(c.verified, (SELECT min(position) - 1 FROM outbox WHERE created_at >= $2)) AS before
                 FROM log_cursor c WHERE c.log = 'outbox' AND c.reader = ${READER}) o
           WHERE c.log = 'outbox' AND c.reader = ${READER} RETURNING c.reader`,
  },
  // Up to the last record that has been verified already: what is above is asked about whatever its topic. Locked, so that
  // of two that begin a replay one finds the other's.
  replayable: {
    name: 'audit_replayable',
    text: `SELECT a.replay_until > c.verified AS busy, coalesce((
             SELECT position FROM outbox
             WHERE partition = 0 AND position <= c.verified AND topic = ANY (c.topics)
             ORDER BY position DESC LIMIT 1), 0) AS until
           FROM audits a JOIN log_cursor c ON c.log = 'outbox' AND c.reader = ${READER}
           WHERE a.consumer_group = $1 AND $2 = ANY (c.topics) FOR UPDATE`,
  },
  setReplay: {
    name: 'audit_set_replay',
    text: 'UPDATE audits SET replay_topic = $2, replay_until = $3 WHERE consumer_group = $1',
  },
  replay: {
    name: 'audit_replay',
    text: 'SELECT replay_topic AS topic, replay_until AS until FROM audits WHERE consumer_group = $1',
  },
  status: {
    name: 'audit_status',
    text: `SELECT a.consumer_group AS group, c.verified, a.missing, a.resent,
             CASE WHEN a.replay_until > c.verified
               THEN json_build_object('topic', a.replay_topic, 'until', a.replay_until) END AS replay,
             coalesce(extract(epoch FROM clock_timestamp() - (
               SELECT min(o.created_at) FROM (
                 (SELECT created_at FROM outbox
                  WHERE c.win IS NULL AND partition = 0 AND xid >= pg_snapshot_xmax(c.last) AND position > c.floor
                    AND topic = ANY (c.topics) ORDER BY xid LIMIT 1)
                 UNION ALL
                 (SELECT created_at FROM outbox
                  WHERE partition = 0 AND position > c.floor AND topic = ANY (c.topics)
                    AND xid = ANY (ARRAY(SELECT pg_snapshot_xip(coalesce(c.win, c.last)))))
                 UNION ALL
                 (SELECT created_at FROM outbox
                  WHERE c.win IS NOT NULL AND partition = 0 AND position > c.position
                    AND topic = ANY (c.topics) ORDER BY position LIMIT 1)
                 UNION ALL
                 -- What came with a restore and is asked about once more.
                 (SELECT created_at FROM outbox
                  WHERE partition = 0 AND position > c.position AND position <= c.floor
                    AND topic = ANY (c.topics) ORDER BY position LIMIT 1)) o)) * 1000, 0)::float8 AS lag_ms
           FROM audits a JOIN log_cursor c ON c.log = 'outbox' AND c.reader = 'audit ' || a.consumer_group
           ORDER BY a.consumer_group`,
  },
};

/** Begins the audit of groups, each with its topics, or gives them other topics. Idempotent. */
export async function declareAudits(
  database: Database,
  audiences: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const readers = [...audiences].map(([group, topics]) => [readerOf(group), topics] as const);
  await database.transact(async (session) => {
    // Whatever is published later is meant for the group: the page after a mark that lies before its place sets it back.
    await declareReaders(session, new Map(readers));
    await session.query(sql.add, [[...audiences.keys()]]);
  });
}

/** The delivery audit's part of a service's own Postgres database. */
export class PostgresAudit implements AuditStore {
  constructor(
    private readonly database: Database,
    private readonly owner: string,
    private readonly backend: () => Promise<Backend | undefined>,
  ) {}

  declare(audiences: ReadonlyMap<string, readonly string[]>): Promise<void> {
    return declareAudits(this.database, audiences);
  }

  async published(): Promise<Published | undefined> {
    const [row] = await this.database.query<Published>(sql.published);
    return row;
  }

  log(group: string): AuditLog {
    return new AuditCursor(this.database, this.owner, this.backend, group);
  }

  async ask(group: string, question: string): Promise<void> {
    await this.database.query(sql.ask, [group, question]);
  }

  async answer(group: string, question: string, answer: object): Promise<void> {
    await this.database.query(sql.answer, [group, question, JSON.stringify(answer)]);
  }

  async answerTo(group: string, question: string): Promise<unknown> {
    const [row] = await this.database.query<{ answer: unknown }>(sql.answerTo, [group, question]);
    return row?.answer;
  }

  async tally(group: string, missing: number, resent: number): Promise<void> {
    await this.database.query(sql.tally, [group, missing, resent]);
  }

  async holding(group: string, ids: readonly string[], topics: readonly string[], before: string): Promise<Holding> {
    const oldest = [...ids].sort()[0];
    const values = [group, ids, topics, oldest, before];
    const [row] = await this.database.query<Omit<Holding, 'newest'> & { newest: string | null }>(sql.holding, values);
    return { ...row!, newest: row!.newest ?? undefined };
  }

  again(group: string, since: Date): Promise<boolean> {
    return this.database.transact(async (session) => {
      await session.query(sql.setReplay, [group, null, 0]);
      return (await session.query(sql.again, [group, since])).length > 0;
    });
  }

  replay(group: string, topic: string, since: Date): Promise<ReplayStart> {
    return this.database.transact(async (session) => {
      const [row] = await session.query<{ busy: boolean; until: number }>(sql.replayable, [group, topic]);
      if (!row) return 'not_audited';
      if (row.busy) return 'under_way';
      await session.query(sql.setReplay, [group, topic, row.until]);
      await session.query(sql.again, [group, since]);
      return 'begun';
    });
  }

  status(): Promise<AuditStatus[]> {
    return this.database.query<AuditStatus>(sql.status);
  }
}

/** The place of the audit of one group. */
class AuditCursor extends OutboxReader {
  /** Of what is replayed, as it was when the place was claimed: whoever changes it takes the place away. */
  private replay: { topic: string | null; until: number } = { topic: null, until: 0 };

  constructor(
    private readonly own: Database,
    private readonly owner: string,
    backend: () => Promise<Backend | undefined>,
    private readonly group: string,
  ) {
    super(own, owner, backend, RELAY, readerOf(group));
  }

  /** Without what is verified and not meant by a replay; a page of nothing else is passed over. */
  override async page(limit: number, mark?: string): Promise<LogRecord[]> {
    const { topic, until } = this.replay;
    for (;;) {
      const page = await super.page(limit, mark);
      const wanted = page.filter((record) => topic === null || record.topic === topic || record.position > until);
      if (wanted.length > 0 || page.length === 0) return wanted;
      // There may be days of it.
      if (!(await this.lease(this.leasedMs))) throw new LeaseLostError(`the audit of ${this.group} is somebody else's`);
    }
  }

  override async commit(): Promise<void> {
    await super.commit();
    // Says what the place says that stands there now; whoever lost it since leaves that to its new owner.
    await this.own.query(sql.verify, [this.group, this.owner]);
  }

  /** What is replayed is read after the claim: whatever changes that from then on changes the epoch, and ends the claim. */
  protected override async claim(ms: number): Promise<void> {
    await super.claim(ms);
    if (this.cursors.partitions.length === 0) return;
    await this.own
      .query<{ topic: string | null; until: number }>(sql.replay, [this.group])
      .then(([replay]) => (this.replay = replay!))
      .catch((error: unknown) => {
        this.cursors.forget();
        throw error;
      });
  }
}
