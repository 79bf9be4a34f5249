import type { Queryable } from '@order-events/store';

/** Whose an order is, and what it was. */
export interface ForeignClaim {
  order_id: string;
  /** The address at which it came in. */
  source: string;
  fingerprint: string;
}

const sql = {
  // Where another transaction has claimed one and not ended yet, this waits for it: sorted, so that no two deadlock.
  claim: {
    name: 'bridge_claim',
    text: `INSERT INTO foreign_orders (order_id, source, fingerprint)
           SELECT c.order_id, c.source, c.fingerprint
           FROM unnest($1::text[], $2::text[], $3::text[]) AS c (order_id, source, fingerprint)
           WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = c.order_id)
           ORDER BY c.order_id
           ON CONFLICT DO NOTHING RETURNING order_id`,
  },
  claimed: {
    name: 'bridge_claimed',
    text: 'SELECT order_id, source, fingerprint FROM foreign_orders WHERE order_id = ANY ($1::text[])',
  },
};

/** Claims ids of orders, and returns those that no order had. */
export async function claimOrders(session: Queryable, claims: readonly ForeignClaim[]): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const rows = await session.query<{ order_id: string }>(sql.claim, [
    claims.map(({ order_id }) => order_id),
    claims.map(({ source }) => source),
    claims.map(({ fingerprint }) => fingerprint),
  ]);
  return new Set(rows.map(({ order_id }) => order_id));
}

/** Who has claimed these ids, by id. */
export async function readClaims(
  session: Queryable,
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, ForeignClaim>> {
  if (orderIds.length === 0) return new Map();
  const rows = await session.query<{ order_id: string; source: string; fingerprint: string }>(sql.claimed, [orderIds]);
  return new Map(rows.map((row) => [row.order_id, row]));
}
