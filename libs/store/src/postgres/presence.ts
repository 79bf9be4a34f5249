import { StoreError, type Presence } from '@order-events/messaging';
import type { Database } from './database';
import type { Backend } from './wake';

const sql = {
  // One that had only lost its connection says by itself that it is there, and is lost no more. Its own row comes first and
  // nobody waits for that of another: after a restart of Postgres all look at all.
  watch: {
    name: 'processes_watch',
    text: `WITH own AS (
             INSERT INTO processes (owner, backend, backend_start) VALUES ($1, $2, $3)
             ON CONFLICT (owner) DO UPDATE
             SET backend = excluded.backend, backend_start = excluded.backend_start, lost_at = NULL
             WHERE processes.lost_at IS NOT NULL
               OR (processes.backend, processes.backend_start) <> (excluded.backend, excluded.backend_start)
             RETURNING 1
           ), lost AS (
             UPDATE processes SET lost_at = clock_timestamp()
             WHERE owner IN (
               SELECT owner FROM processes p
               WHERE owner <> $1 AND lost_at IS NULL AND (SELECT count(*) FROM own) >= 0 AND NOT EXISTS (
                 SELECT FROM pg_stat_get_activity(p.backend) a WHERE a.backend_start = p.backend_start)
               FOR UPDATE SKIP LOCKED)
             RETURNING owner
           ), old AS (
             DELETE FROM processes WHERE owner <> $1 AND lost_at < clock_timestamp() - interval '1 day'
           )
           SELECT owner FROM lost UNION ALL
           SELECT owner FROM processes WHERE owner <> $1 AND lost_at > clock_timestamp() - $4 * interval '1 millisecond'`,
  },
  leave: { name: 'processes_leave', text: 'DELETE FROM processes WHERE owner = $1' },
};

/** The processes of a service by their connections: whose connection is gone and who has not said so has died. */
export class PostgresPresence implements Presence {
  constructor(
    private readonly database: Database,
    readonly name: string,
    /** The connection by which others see that this process lives. */
    private readonly backend: () => Promise<Backend | undefined>,
  ) {}

  async watch(ms: number): Promise<string[]> {
    const backend = await this.backend();
    if (!backend) throw new StoreError('unavailable', 'there is no connection by which others could see this process');
    const values = [this.name, backend.pid, backend.start, ms];
    const ended = await this.database.query<{ owner: string }>(sql.watch, values);
    return ended.map(({ owner }) => owner);
  }

  async leave(): Promise<void> {
    await this.database.query(sql.leave, [this.name]);
  }
}
