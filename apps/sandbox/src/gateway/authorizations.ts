import type { Queryable } from '@order-events/store';
import type { Authorization } from './rules';

/** Locks the authorizations that have this id, or are of this order. */
export function lockBy(
  column: 'authorization_id' | 'order_id',
  id: string,
  session: Queryable,
): Promise<Authorization[]> {
  const lock = {
    name: `authorizations_by_${column}`,
    text: `SELECT authorization_id, order_id, amount, currency, token, state, capture_id, captured, refunded
           FROM authorizations WHERE ${column} = $1 ORDER BY authorization_id FOR UPDATE`,
  };
  return session.query<Authorization>(lock, [id]);
}

const upsert = {
  name: 'authorization_save',
  text: `INSERT INTO authorizations
           (authorization_id, order_id, amount, currency, token, state, capture_id, captured, refunded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (authorization_id) DO UPDATE SET
           state = excluded.state, capture_id = excluded.capture_id,
           captured = excluded.captured, refunded = excluded.refunded`,
};

export async function save(it: Authorization, session: Queryable): Promise<void> {
  await session.query(upsert, [
    it.authorization_id,
    it.order_id,
    it.amount,
    it.currency,
    it.token,
    it.state,
    it.capture_id,
    it.captured,
    it.refunded,
  ]);
}
