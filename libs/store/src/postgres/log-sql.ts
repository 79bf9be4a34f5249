import { PAGE_BYTES } from '@order-events/messaging';
import type { Statement } from './database';
import { BRIDGE } from './readers';

/**
 * The statements that read a log. A window is what is visible now and was not in the last snapshot: late committers come
 * with the window in which they become visible, nothing is skipped, and no open transaction anywhere holds reading up.
 * Within a window records come in the order of their positions, which are drawn when a writer holds all its locks.
 * Each statement serves any number of cursors in one round trip.
 */
export interface LogSql {
  /** Opens a window per cursor and reads its first page. ($1 partitions, $2 last, $3 floor, $4 limit, $5 topics) */
  open: Statement;
  /** The same with a window that ends with a given snapshot; no window if that lies ahead of this server. ($6 win) */
  openTo: Statement;
  /** Reads on in an open window. ($1 partitions, $2 last, $3 win, $4 position, $5 limit, $6 topics) */
  next: Statement;
  /** Reads rows that came with a restore, by position alone. ($1 partitions, $2 position, $3 floor, $4 limit, $5 topics) */
  replay: Statement;
  append: Statement;
  claim: Statement;
  renew: Statement;
  save: Statement;
  release: Statement;
  adoptLock: Statement;
  adopt: Statement;
  /** Draws no position again that came with the rows: a copy may bring rows without the sequence. ($1 highest) */
  raisePositions: Statement;
}

const RECORD = 'r.position, r.id, r.topic, r.key, r.headers, r.body, r.created_at';

/** Of another server, or of a later time of this one that a restore has undone: its numbers mean other transactions here. */
const notAhead = (win: string) =>
  `CASE WHEN pg_snapshot_xmax(${win}) <= pg_snapshot_xmax(pg_current_snapshot()) THEN ${win} END`;

export function logSql(log: 'outbox' | 'log'): LogSql {
  const statement = (name: string, text: string): Statement => ({ name: `${log}_${name}`, text });
  // Not as a range of xids: the rows of a page must come from the index on positions, however few the planner expects.
  const unread = 'NOT pg_visible_in_snapshot(l.xid, c.last)';
  // A place in memory ends with the server that it was read from: after a crash, transaction numbers that a snapshot
  // counts as ended (those that failed leave no trace on the disk) are given out again, and their rows would be skipped.
  const sameServer = `EXISTS (
         SELECT FROM pg_stat_get_activity(log_cursor.owner_backend) a WHERE a.backend_start = log_cursor.owner_backend_start)`;
  const page = (where: string, topics: string, limit: string) => `
    LATERAL (
      -- How long a body is stands in its row; only those that are returned are fetched.
      SELECT * FROM (
        SELECT b.*, sum(octet_length(body)) OVER (ORDER BY position) - octet_length(body) AS bytes_before
        FROM (
          SELECT * FROM ${log} l
          WHERE l.partition = c.partition AND ${where} AND (${topics}::text[] IS NULL OR l.topic = ANY (${topics}))
          ORDER BY l.position LIMIT ${limit}) b) p
      WHERE bytes_before < ${PAGE_BYTES}
      ORDER BY position
    ) r`;
  const open = (win: string, within = '') => `SELECT c.partition, w.win::text, ${RECORD}
    FROM (SELECT ${win} AS win) w
    CROSS JOIN unnest($1::smallint[], $2::pg_snapshot[], $3::bigint[]) AS c (partition, last, floor)
    CROSS JOIN LATERAL (
      -- As ranges, also those of one xid, and with OFFSET 0: so that the planner, which knows none of the values,
      -- uses the index on xids and does not walk the one on positions past everything that is read.
      SELECT min(f.position) AS position
      FROM (SELECT pg_snapshot_xmax(c.last) AS low, pg_snapshot_xmax(w.win) AS high
            UNION ALL SELECT xid, xid FROM pg_snapshot_xip(c.last) AS xid) unread
      CROSS JOIN LATERAL (
        SELECT l.position FROM ${log} l
        WHERE l.partition = c.partition AND l.xid BETWEEN unread.low AND unread.high AND l.position > c.floor OFFSET 0) f
    ) start
    LEFT JOIN ${page(`${unread}${within} AND l.position >= start.position`, '$5', '$4')} ON true`;
  return {
    open: statement('open', open('pg_current_snapshot()')),
    openTo: statement('open_to', open(notAhead('$6::pg_snapshot'), ' AND pg_visible_in_snapshot(l.xid, w.win)')),
    next: statement(
      'next',
      `SELECT c.partition, ${RECORD}
       FROM unnest($1::smallint[], $2::pg_snapshot[], $3::pg_snapshot[], $4::bigint[]) AS c (partition, last, win, position)
       CROSS JOIN ${page(`l.position > c.position AND pg_visible_in_snapshot(l.xid, c.win) AND ${unread}`, '$6', '$5')}`,
    ),
    replay: statement(
      'replay',
      `SELECT c.partition, ${RECORD}
       FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS c (partition, position, floor)
       CROSS JOIN ${page('l.position > c.position AND l.position <= c.floor', '$5', '$4')}`,
    ),
    append: statement(
      'append',
      `INSERT INTO ${log} (partition, id, topic, key, headers, body)
       SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::json[], $6::bytea[])`,
    ),
    claim: statement(
      'claim',
      `UPDATE log_cursor c
       SET owner = $3, owner_backend = $4, owner_backend_start = $5, epoch = epoch + 1,
           until = clock_timestamp() + $6 * interval '1 millisecond'
       WHERE log = '${log}' AND reader = $1 AND partition = ANY (ARRAY(
         SELECT partition FROM log_cursor
         WHERE log = '${log}' AND reader = $1 AND partition <> ALL ($7::smallint[])
           AND (owner IS NULL OR owner = $3 OR until < clock_timestamp() OR owner_backend IS NOT NULL AND NOT EXISTS (
             -- The lease of a process that died ends with its connection; "until" is for one that hangs.
             SELECT FROM pg_stat_get_activity(owner_backend) a WHERE a.backend_start = owner_backend_start))
         ORDER BY partition LIMIT $2 FOR UPDATE SKIP LOCKED))
       RETURNING partition, epoch, topics, last::text, win::text, position, floor,
         system_identifier = (pg_control_system()).system_identifier AS same_cluster`,
    ),
    renew: statement(
      'renew',
      `UPDATE log_cursor
       SET until = clock_timestamp() + $4 * interval '1 millisecond'
       FROM unnest($2::smallint[], $3::bigint[]) AS o (partition, epoch)
       WHERE log = '${log}' AND reader = $1 AND log_cursor.partition = o.partition AND log_cursor.epoch = o.epoch
         AND ${sameServer}
       RETURNING log_cursor.partition`,
    ),
    save: statement(
      'save',
      `UPDATE log_cursor
       SET last = o.last, win = o.win, position = o.position
       FROM unnest($2::smallint[], $3::bigint[], $4::pg_snapshot[], $5::pg_snapshot[], $6::bigint[])
         AS o (partition, epoch, last, win, position)
       WHERE log = '${log}' AND reader = $1 AND log_cursor.partition = o.partition AND log_cursor.epoch = o.epoch
         AND ${sameServer}
       RETURNING log_cursor.partition`,
    ),
    release: statement(
      'release',
      `UPDATE log_cursor SET owner = NULL, until = NULL
       FROM unnest($2::smallint[], $3::bigint[]) AS o (partition, epoch)
       WHERE log = '${log}' AND reader = $1 AND log_cursor.partition = o.partition AND log_cursor.epoch = o.epoch`,
    ),
    // With this lock no writer is under way, so every row up to the highest position is there to be seen.
    adoptLock: statement('adopt_lock', `LOCK TABLE ${log} IN SHARE MODE`),
    adopt: statement(
      'adopt',
      `UPDATE log_cursor
       SET last = pg_current_snapshot(), win = NULL,
           position = CASE WHEN reader = '${BRIDGE}' THEN 0 ELSE coalesce(
             (SELECT min(verified) FROM log_cursor WHERE log = '${log}' AND reader LIKE 'audit %' AND partition = $2), verified)
           END,
           floor = coalesce((SELECT max(position) FROM ${log} WHERE partition = $2), 0),
           system_identifier = (pg_control_system()).system_identifier
       WHERE log = '${log}' AND reader = $1 AND partition = $2 AND epoch = $3
       RETURNING last::text, position, floor`,
    ),
    raisePositions: statement('raise_positions', `SELECT raise_positions('${log}', $1)`),
  };
}
