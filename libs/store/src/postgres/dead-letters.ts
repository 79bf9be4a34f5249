import type { InboxState } from '@order-events/messaging';
import type { Database, Statement } from './database';
import type { ByHand, OperatorAction } from './operator-actions';

/** Which dead letters are meant; of what is left out, any. */
export interface DeadLetterFilter {
  group?: string;
  /** Type of the event; of what could not be read, the topic that it came on. */
  type?: string;
  key?: string;
  id?: string;
  /** Found anywhere in the last error, in capitals or not. */
  error?: string;
  /** Dead for longer than so many seconds. */
  older_than?: number;
}

export interface DeadLetter {
  consumer_group: string;
  id: string;
  topic: string;
  key: string;
  /** When it came into its state. */
  at: Date;
  attempts: number;
  /** The last one. */
  error: string;
}

/** The end of a page: the next one begins behind it. */
export type DeadLetterPlace = [at: string, group: string, id: string];

/** An event that could not be decided or published, with everything that is kept of it. */
export interface FailedEvent {
  consumer_group: string;
  id: string;
  topic: string;
  key: string;
  state: InboxState;
  at: Date;
  attempts: number;
  /** Of the next try, when there is one. */
  due_at: Date | null;
  /** The last five, oldest first. */
  errors: { at: string; host: string; error: string }[];
  headers: Record<string, string>;
  body: Buffer;
  /** What operators did to it, oldest first. */
  actions: (Pick<OperatorAction, 'actor' | 'action' | 'reason'> & { at: string })[];
}

/** Who moves dead letters on, why, and how many at most: those that died first. */
export interface Move extends ByHand {
  limit: number;
}

// Its parameters are $1 to $6.
const CHOSEN = `
  FROM inbox i JOIN failures f USING (consumer_group, id)
  WHERE i.state = 'dead'
    AND ($1::text IS NULL OR i.consumer_group = $1)
    AND ($2::text IS NULL OR i.topic = $2)
    AND ($3::text IS NULL OR i.key = $3)
    AND ($4::uuid IS NULL OR i.id = $4)
    AND ($5::text IS NULL OR strpos(lower(f.errors -> -1 ->> 'error'), lower($5)) > 0)
    AND ($6::float8 IS NULL OR i.at < clock_timestamp() - $6 * interval '1 second')`;

/**
 * Takes what is chosen into another state and notes who did it, in one statement. Of two that choose the same, the second
 * waits for the first, and then finds that it is dead no more.
 * @param failures what becomes of its failure; `n` counts the letters from 0
 */
const move = (action: 'redrive' | 'discard', state: InboxState, failures: string): Statement => ({
  name: `dead_letters_${action}`,
  text: `WITH chosen AS MATERIALIZED (
           SELECT i.consumer_group, i.id, i.at ${CHOSEN} ORDER BY i.at, i.id LIMIT $7 FOR UPDATE OF i
         ), moved AS (
           UPDATE inbox i SET state = '${state}', at = clock_timestamp() FROM chosen c
           WHERE i.consumer_group = c.consumer_group AND i.id = c.id
           RETURNING i.consumer_group, i.id
         ), updated AS (
           UPDATE failures f SET ${failures}
           FROM (SELECT *, row_number() OVER (ORDER BY at, id) - 1 AS n FROM chosen) c
           WHERE f.consumer_group = c.consumer_group AND f.id = c.id
         ), noted AS (
           INSERT INTO operator_actions (actor, action, reason, consumer_group, event_id)
           SELECT $8, '${action}', $9, consumer_group, id FROM moved
         )
         SELECT count(*)::integer AS count FROM moved`,
});

const sql = {
  list: {
    name: 'dead_letters_list',
    text: `SELECT i.consumer_group, i.id, i.topic, i.key, i.at, to_json(i.at) #>> '{}' AS place, f.attempts,
             f.errors -> -1 ->> 'error' AS error ${CHOSEN}
             AND ($7::timestamptz IS NULL OR (i.at, i.consumer_group, i.id) < ($7, $8, $9::uuid))
           ORDER BY i.at DESC, i.consumer_group DESC, i.id DESC LIMIT $10`,
  },
  count: {
    name: 'dead_letters_count',
    text: `SELECT count(*)::integer AS count FROM (SELECT ${CHOSEN} LIMIT $7) c`,
  },
  find: {
    name: 'failures_find',
    text: `SELECT i.consumer_group, i.id, i.topic, i.key, i.state, i.at, f.attempts, f.due_at, f.errors, f.headers, f.body,
             (SELECT coalesce(json_agg(a ORDER BY a.at), '[]') FROM (
                SELECT at, actor, action, reason FROM operator_actions
                WHERE consumer_group = i.consumer_group AND event_id = i.id) a) AS actions
           FROM inbox i JOIN failures f USING (consumer_group, id)
           WHERE i.consumer_group = $1 AND i.id = $2::uuid`,
  },
  // As an event that has not been tried yet, but one that was tried alone still is; the letters follow each other at the
  // given rate.
  redrive: move(
    'redrive',
    'retrying',
    `attempts = 0, crashes = 0 * crashes, due_at = clock_timestamp() + coalesce(c.n / $10::float8, 0) * interval '1 second'`,
  ),
  discard: move('discard', 'discarded', 'due_at = NULL'),
};

/** The operator's hand on the events that a service's own database keeps as dead. */
export class DeadLetters {
  constructor(private readonly database: Database) {}

  /** At most `limit`, what died last first, with the place of each to read on from. */
  async list(
    filter: DeadLetterFilter,
    limit: number,
    behind?: DeadLetterPlace,
  ): Promise<{ letter: DeadLetter; place: DeadLetterPlace }[]> {
    const [at = null, group = null, id = null] = behind ?? [];
    const values = [...chosen(filter), at, group, id, limit];
    const rows = await this.database.query<DeadLetter & { place: string }>(sql.list, values);
    return rows.map(({ place, ...letter }) => ({ letter, place: [place, letter.consumer_group, letter.id] }));
  }

  async count(filter: DeadLetterFilter, limit: number): Promise<number> {
    return this.counted(sql.count, [...chosen(filter), limit]);
  }

  /** Also one that is tried again or discarded; what was applied has left nothing but its line in the inbox. */
  async find(group: string, id: string): Promise<FailedEvent | undefined> {
    const [row] = await this.database.query<FailedEvent>(sql.find, [group, id]);
    return row;
  }

  /**
   * Has them tried again, as if for the first time.
   * @param perSecond how many of them; by default all at once
   * @returns how many
   */
  redrive(filter: DeadLetterFilter, { limit, actor, reason }: Move, perSecond?: number): Promise<number> {
    return this.counted(sql.redrive, [...chosen(filter), limit, actor, reason, perSecond ?? null]);
  }

  /** Gives them up for good, and keeps what there is of them. Returns how many. */
  discard(filter: DeadLetterFilter, { limit, actor, reason }: Move): Promise<number> {
    return this.counted(sql.discard, [...chosen(filter), limit, actor, reason]);
  }

  private async counted(statement: Statement, values: readonly unknown[]): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(statement, values);
    return row!.count;
  }
}

function chosen({ group, type, key, id, error, older_than }: DeadLetterFilter): unknown[] {
  return [group ?? null, type ?? null, key ?? null, id ?? null, error ?? null, older_than ?? null];
}
