export const sql = {
  // What is there is only ever added to: an older version's setup takes nothing from a newer one.
  declareTopics: {
    name: 'log_declare_topics',
    text: `INSERT INTO log_topic SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`,
  },
  declaredTopics: { name: 'log_declared_topics', text: `SELECT topic FROM log_topic WHERE topic = ANY ($1::text[])` },
  // A group that is new begins here: what was published before belongs to others, and what a transaction that is still open
  // has written comes when that commits, for the snapshot knows it.
  // A group that wants other topics than before gets a new epoch: whoever reads with the old ones can save nothing more, so
  // no replica of an older version moves the place past a topic that it does not know. Nor does an older version's setup take
  // a topic away that it does not know ($4: those that it knows).
  declare: {
    name: 'log_declare',
    text: `INSERT INTO log_cursor AS c (log, reader, partition, topics, last)
           SELECT 'log', $1, partition, $3, pg_current_snapshot() FROM generate_series(0, $2 - 1) AS partition
           ON CONFLICT (log, reader, partition) DO UPDATE
           SET topics = ARRAY(SELECT unnest(excluded.topics) UNION
                              SELECT topic FROM unnest(c.topics) AS topic WHERE topic <> ALL ($4) ORDER BY 1),
             epoch = c.epoch + 1, owner = NULL
           WHERE NOT excluded.topics <@ c.topics
             OR c.topics && ARRAY(SELECT unnest($4::text[]) EXCEPT SELECT unnest(excluded.topics))`,
  },
  // Joins, or stays in, the group; tells how many members live, this one included.
  join: {
    name: 'log_join',
    text: `WITH me AS (
             INSERT INTO log_member (reader, member, backend, backend_start, until)
             VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')
             ON CONFLICT (reader, member) DO UPDATE
             SET backend = excluded.backend, backend_start = excluded.backend_start, until = excluded.until
           ), gone AS (
             DELETE FROM log_member WHERE reader = $1 AND until < clock_timestamp() - interval '1 minute'
           )
           SELECT count(*)::integer + 1 AS members FROM log_member
           WHERE reader = $1 AND member <> $2 AND until > clock_timestamp() AND (backend IS NULL OR EXISTS (
             SELECT FROM pg_stat_get_activity(backend) a WHERE a.backend_start = log_member.backend_start))`,
  },
  isConsumed: {
    name: 'log_is_consumed',
    text: `SELECT EXISTS (
             SELECT FROM log_member
             WHERE reader = $1 AND until > clock_timestamp() AND (backend IS NULL OR EXISTS (
               SELECT FROM pg_stat_get_activity(backend) a WHERE a.backend_start = log_member.backend_start))) AS consumed`,
  },
  leave: { name: 'log_leave', text: `DELETE FROM log_member WHERE reader = $1 AND member = $2` },
  // The unread as ranges of xids, for the same reason as in the log reader: what is read long ago is not looked at.
  backlog: {
    name: 'log_backlog',
    text: `SELECT count(*) AS waiting
           FROM log_cursor c
           CROSS JOIN LATERAL (
             SELECT pg_snapshot_xmax(c.last) AS low, pg_snapshot_xmax(pg_current_snapshot()) AS high
             UNION ALL SELECT xid, xid FROM pg_snapshot_xip(c.last) AS xid) unread
           CROSS JOIN LATERAL (
             SELECT l.xid, l.position FROM log l
             WHERE l.partition = c.partition AND l.xid BETWEEN unread.low AND unread.high
               AND l.topic = ANY (c.topics) AND l.position > least(c.position, c.floor) OFFSET 0) l
           WHERE c.log = 'log' AND c.reader = $1 AND (c.win IS NULL OR l.position > c.position OR NOT pg_visible_in_snapshot(l.xid, c.win))`,
  },
};
