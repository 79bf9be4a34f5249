import type { Database } from './database';
import { deleteRows, dropPartitions, type Dropped } from './partitions';

/** A dead letter that was given up because it has been one for too long. */
export interface ExpiredLetter {
  consumer_group: string;
  id: string;
  topic: string;
  key: string;
}

/** Dead letters given up in one transaction. */
const LETTERS_AT_ONCE = 500;

const sql = {
  // An id below the horizon that the inbox does not hold is too old; who has looked at the horizon before it was moved has
  // taken the event in by the time its partition can be locked.
  horizon: {
    name: 'inbox_horizon',
    text: `UPDATE inbox_horizon h SET before = n.before
           FROM (SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp() - $1 * interval '1 day') * 1000)::bigint), 12, '0')
                   || repeat('0', 20))::uuid AS before) n
           WHERE n.before > h.before`,
  },
  // What was discarded stays so; only its message goes.
  letters: {
    name: 'inbox_old_letters',
    text: `WITH old AS MATERIALIZED (
             SELECT i.consumer_group, i.id, i.state FROM inbox i
             WHERE i.state IN ('dead', 'discarded') AND i.at < clock_timestamp() - $1 * interval '1 day'
               AND EXISTS (SELECT FROM failures f WHERE f.consumer_group = i.consumer_group AND f.id = i.id)
             ORDER BY i.state, i.at LIMIT ${LETTERS_AT_ONCE} FOR UPDATE OF i SKIP LOCKED
           ), gone AS (
             DELETE FROM failures f USING old WHERE f.consumer_group = old.consumer_group AND f.id = old.id
           ), expired AS (
             UPDATE inbox i SET state = 'expired', at = clock_timestamp() FROM old
             WHERE old.state = 'dead' AND i.consumer_group = old.consumer_group AND i.id = old.id
             RETURNING i.consumer_group, i.id, i.topic, i.key
           )
           SELECT (SELECT count(*) FROM old)::integer AS found,
             (SELECT coalesce(json_agg(expired), '[]') FROM expired) AS letters`,
  },
};

/** What the inbox forgets, and when. */
export class InboxRetention {
  constructor(private readonly database: Database) {}

  /** Gives up dead letters, and the messages of discarded ones, that have been so for more than so many days. */
  async expireDeadLetters(days: number): Promise<ExpiredLetter[]> {
    const expired: ExpiredLetter[] = [];
    for (;;) {
      const [row] = await this.database.query<{ found: number; letters: ExpiredLetter[] }>(sql.letters, [days]);
      expired.push(...row!.letters);
      if (row!.found < LETTERS_AT_ONCE) return expired;
    }
  }

  /**
   * Forgets events whose ids are more than so many days old; what comes of them from now on is too old to be handled. An
   * id that tells no time is forgotten so many days after it was taken in.
   * @throws StoreError `contended` when a partition could not be had for a moment; what is left can be tried again
   */
  async forget(days: number): Promise<Dropped> {
    await this.database.query(sql.horizon, [days]);
    const dropped = await dropPartitions(this.database, 'SELECT * FROM drop_inbox_partition()');
    const old = `r.at < clock_timestamp() - $1 * interval '1 day'
      AND (r.id < (SELECT before FROM inbox_horizon) OR uuid_extract_version(r.id) IS DISTINCT FROM 7)
      AND NOT EXISTS (SELECT FROM failures f WHERE f.consumer_group = r.consumer_group AND f.id = r.id)`;
    await deleteRows(this.database, 'inbox_default', old, [days]);
    return dropped;
  }
}
