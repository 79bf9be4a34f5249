import type { Queryable } from '@order-events/store';
import type { Authorization } from './rules';

/** Locks the authorization that has this id, by its own id or by that of its capture. */
export async function lockBy(
  column: 'authorization_id' | 'capture_id',
  id: string,
  session: Queryable,
): Promise<Authorization | undefined> {
  const lock = {
    name: `authorization_by_${column}`,
    text: `SELECT authorization_id, order_id, amount, currency, token, state, capture_id, captured, refunded
           FROM authorizations WHERE ${column} = $1 FOR UPDATE`,
  };
  const [found] = await session.query<Authorization>(lock, [id]);
  return found;
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
