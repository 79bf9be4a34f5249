import type { Queryable } from '@order-events/store';
import { tables, type Order } from '../domain';
import type { Product } from '../store/entities';
import type { Claim, Reply } from './request';

/** Of the products that a batch asks for, at the moment of its transaction. */
export interface Catalogue {
  /** The database's clock, Unix seconds. */
  now: number;
  products: ReadonlyMap<string, Pick<Product, 'price' | 'currency'>>;
}

/** What a key stands for. */
export interface Held {
  fingerprint: string;
  reply: Reply;
}

const columns = Object.keys(tables.orders.columns).join(', ');

const sql = {
  catalogue: {
    name: 'door_catalogue',
    text: `SELECT c.now, p.product_id, p.price, p.currency
           FROM (SELECT floor(extract(epoch FROM clock_timestamp()))::bigint AS now) c
           LEFT JOIN products p ON p.product_id = ANY ($1::text[])`,
  },
  // Where another transaction has inserted a key and not ended yet, this waits for it.
  claim: {
    name: 'door_claim',
    text: `INSERT INTO idempotency_keys (caller, key, fingerprint, order_id, status_code, body)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::json[])
           ON CONFLICT DO NOTHING RETURNING caller, key`,
  },
  held: {
    name: 'door_held',
    text: `SELECT caller, key, fingerprint, order_id, status_code, body::text FROM idempotency_keys
           WHERE (caller, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
  },
  insertOrders: {
    name: 'door_orders',
    text: `INSERT INTO orders (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::orders, $1::json)`,
  },
  forgetKeys: {
    name: 'door_forget_keys',
    text: `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM idempotency_keys WHERE created_at < clock_timestamp() - $1 * interval '1 hour' LIMIT $2))
           RETURNING 1`,
  },
};

/** A claim as one word; a caller has no blanks in its name. */
export function wordOf({ caller, key }: Pick<Claim, 'caller' | 'key'>): string {
  return `${caller} ${key}`;
}

export async function readCatalogue(session: Queryable, productIds: readonly string[]): Promise<Catalogue> {
  type Row = Product & { now: number };
  const rows = await session.query<Row>(sql.catalogue, [productIds]);
  return { now: rows[0]!.now, products: new Map(rows.map((row) => [row.product_id, row])) };
}

/** Claims keys, and returns the words of those that nobody held. In the order given, in which the keys are locked. */
export async function claimKeys(
  session: Queryable,
  claims: readonly (Claim & { reply: Reply })[],
): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const rows = await session.query<Claim>(sql.claim, [
    claims.map(({ caller }) => caller),
    claims.map(({ key }) => key),
    claims.map(({ fingerprint }) => fingerprint),
    claims.map(({ reply }) => reply.order_id),
    claims.map(({ reply }) => reply.status),
    claims.map(({ reply }) => reply.body),
  ]);
  return new Set(rows.map(wordOf));
}

/** What stands behind keys that are held, by word. */
export async function readHeld(session: Queryable, claims: readonly Claim[]): Promise<ReadonlyMap<string, Held>> {
  if (claims.length === 0) return new Map();
  type Row = Claim & { order_id: string; status_code: number; body: string };
  const rows = await session.query<Row>(sql.held, [claims.map(({ caller }) => caller), claims.map(({ key }) => key)]);
  return new Map(
    rows.map((row) => {
      const { fingerprint, order_id, status_code: status, body } = row;
      return [wordOf(row), { fingerprint, reply: { order_id, status, body, replayed: true } }];
    }),
  );
}

export async function insertOrders(session: Queryable, orders: readonly Order[]): Promise<void> {
  await session.query(sql.insertOrders, [JSON.stringify(orders)]);
}

/** Forgets up to `limit` keys that are older than so many hours, and returns how many. */
export async function forgetKeysOlderThan(session: Queryable, hours: number, limit: number): Promise<number> {
  return (await session.query(sql.forgetKeys, [hours, limit])).length;
}
