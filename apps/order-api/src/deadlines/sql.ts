import type { Queryable } from '@order-events/store';

/** The one row of the deadline clock, locked. */
export interface Clock {
  seconds: number;
  /** Since it was looked at last, by the database's clock, seconds. */
  elapsed: number;
}

const sql = {
  lockClock: {
    name: 'deadlines_lock_clock',
    text: `SELECT seconds, extract(epoch FROM clock_timestamp() - ticked_at)::float8 AS elapsed
           FROM deadline_clock WHERE id = 1 FOR UPDATE`,
  },
  setClock: {
    name: 'deadlines_set_clock',
    text: `UPDATE deadline_clock SET seconds = $1, ticked_at = clock_timestamp() WHERE id = 1`,
  },
  start: {
    name: 'deadlines_start',
    text: `UPDATE orders SET deadline = $1 WHERE order_id = ANY (ARRAY(
             SELECT order_id FROM orders WHERE deadline IS NULL AND status IN ('pending', 'confirmed', 'paid')
             ORDER BY placed_at LIMIT $2 FOR UPDATE SKIP LOCKED))
           RETURNING 1`,
  },
  due: {
    name: 'deadlines_due',
    text: `SELECT order_id FROM orders WHERE deadline <= $1 AND status IN ('pending', 'confirmed')
           ORDER BY deadline LIMIT $2`,
  },
};

export async function lockClock(session: Queryable): Promise<Clock> {
  const [clock] = await session.query<{ seconds: number; elapsed: number }>(sql.lockClock);
  return clock!;
}

export async function setClock(session: Queryable, seconds: number): Promise<void> {
  await session.query(sql.setClock, [seconds]);
}

/** Gives up to `limit` orders that wait for something and have no deadline this one. Returns how many. */
export async function startDeadlines(session: Queryable, deadline: number, limit: number): Promise<number> {
  return (await session.query(sql.start, [deadline, limit])).length;
}

/** Up to `limit` orders whose deadline has passed and that can still be cancelled; not locked. */
export async function dueOrders(session: Queryable, now: number, limit: number): Promise<string[]> {
  return (await session.query<{ order_id: string }>(sql.due, [now, limit])).map(({ order_id }) => order_id);
}
