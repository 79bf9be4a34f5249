import { Router } from 'express';
import type { Database } from '@order-events/store';
import { readOrderId } from '../http/input';

/** Everything that gateway and carrier know of an order, as of one moment. */
const statement = `
  SELECT json_build_object(
    'order_id', $1::text,
    'calls', (SELECT coalesce(json_agg(c), '[]') FROM (
      SELECT api, kind, idempotency_key, amount, currency, status, answer, created_at
      FROM calls WHERE order_id = $1 ORDER BY created_at) c),
    'authorizations', (SELECT coalesce(json_agg(a), '[]') FROM (
      SELECT authorization_id, amount, currency, state, capture_id, captured, refunded, created_at
      FROM authorizations WHERE order_id = $1 ORDER BY created_at) a),
    'shipments', (SELECT coalesce(json_agg(s), '[]') FROM (
      SELECT tracking_number, carrier, address, items, created_at
      FROM shipments WHERE order_id = $1 ORDER BY created_at) s)
  ) AS ledger`;

export function ledger(database: Database): Router {
  const router = Router();

  router.get('/', async (request, response) => {
    const [row] = await database.query<{ ledger: object }>(statement, [readOrderId(request)]);
    response.json(row?.ledger);
  });

  return router;
}
