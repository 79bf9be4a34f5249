import type { Database } from './database';

/** A day's partition that is old enough to go, and why it is kept all the same. */
export interface Kept {
  name: string;
  /** Readers that are behind, or states of events that are not done with. */
  kept_for: string;
}

export interface Dropped {
  dropped: string[];
  kept: Kept[];
}

const DAYS_AHEAD = 7;
/** Rows that are deleted in one transaction. */
const AT_ONCE = 1_000;

/** Whether every reader of the log is past the row `r`; the same is asked of a whole partition before it is dropped. */
const readByAll = (log: string) => `
  NOT EXISTS (
    SELECT FROM log_cursor c
    WHERE c.log = '${log}' AND c.partition = r.partition AND (
      c.system_identifier <> (pg_control_system()).system_identifier
      OR CASE WHEN r.position > c.floor THEN NOT pg_visible_in_snapshot(r.xid, c.last) ELSE r.position > c.position END))`;

/** Makes the partitions of the days ahead. A log's readers and writers are held up for a moment at most. */
export async function makePartitions(database: Database): Promise<void> {
  await database.query(`SELECT make_partitions(${DAYS_AHEAD})`);
}

/**
 * Forgets what was appended to a log more than so many days ago and every reader has read.
 * @throws StoreError `contended` when a partition could not be had for a moment; what is left can be tried again
 */
export async function forgetLog(database: Database, log: 'outbox' | 'log', days: number): Promise<Dropped> {
  const dropped = await dropPartitions(database, `SELECT * FROM drop_${log}_partition($1)`, [days]);
  const old = `r.created_at < clock_timestamp() - $1 * interval '1 day' AND ${readByAll(log)}`;
  await deleteRows(database, `${log}_default`, old, [days]);
  return dropped;
}

/** Drops partitions until the function has no more to drop, each in a transaction of its own. */
export async function dropPartitions(
  database: Database,
  call: string,
  values: readonly unknown[] = [],
): Promise<Dropped> {
  const dropped: string[] = [];
  for (;;) {
    const rows = await database.query<{ name: string; kept_for: string | null }>(call, values);
    const kept = rows.filter((row): row is Kept => row.kept_for !== null);
    const gone = rows.find(({ kept_for }) => kept_for === null);
    if (!gone) return { dropped, kept };
    dropped.push(gone.name);
  }
}

/** Deletes the rows `r` of a default partition for which the condition holds, some at a time, so that nobody waits for long. */
export async function deleteRows(
  database: Database,
  table: string,
  condition: string,
  values: readonly unknown[],
): Promise<void> {
  const some = `SELECT r.ctid FROM ${table} r WHERE ${condition} LIMIT ${AT_ONCE}`;
  const statement = `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(${some})) RETURNING 1`;
  while ((await database.query(statement, values)).length === AT_ONCE);
}
