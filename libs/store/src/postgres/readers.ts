import type { Database, Queryable } from './database';

// What was there before a reader is read by the others alone. Its snapshot may be younger than the relay's place. What came
// with a restore may have numbers that are still to be given out here: it would look new one day, and lies below the floor.
const sql = {
  declare: {
    name: 'reader_declare',
    text: `INSERT INTO log_cursor AS c (log, reader, partition, topics, last, verified, position, floor)
           SELECT 'outbox', a.reader, 0, string_to_array(a.topics, ','), pg_current_snapshot(),
             coalesce((SELECT max(position) FROM outbox), 0), restored.floor, restored.floor
           FROM (SELECT coalesce(max(position), 0) AS floor FROM outbox
                 WHERE partition = 0 AND xid >= pg_snapshot_xmax(pg_current_snapshot())) restored,
             unnest($1::text[], $2::text[]) AS a (reader, topics)
           ON CONFLICT (log, reader, partition) DO UPDATE
           SET topics = excluded.topics, epoch = c.epoch + 1, owner = NULL
           WHERE c.topics IS DISTINCT FROM excluded.topics`,
  },
  forget: { name: 'reader_forget', text: `DELETE FROM log_cursor WHERE log = 'outbox' AND reader = $1` },
  find: { name: 'reader_find', text: `SELECT 1 FROM log_cursor WHERE log = 'outbox' AND reader = $1` },
};

/**
 * Of orders for programs of other teams. Nobody can be asked what they hold, so after a restore it begins with all that
 * is kept.
 */
export const BRIDGE = 'bridge';

/** Gives readers of the outbox a place each, and the topics that they want. One that has a place stays there. Idempotent. */
export async function declareReaders(
  session: Queryable,
  topicsOf: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const topics = [...topicsOf.values()].map((names) => [...names].sort().join(','));
  await session.query(sql.declare, [[...topicsOf.keys()], topics]);
}

/** Takes a reader's place away, for which the outbox would keep everything. */
export async function forgetReader(session: Queryable, reader: string): Promise<void> {
  await session.query(sql.forget, [reader]);
}

export async function isReader(database: Database, reader: string): Promise<boolean> {
  return (await database.query(sql.find, [reader])).length > 0;
}
