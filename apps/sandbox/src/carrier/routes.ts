import { randomBytes } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { Problem, problemBody } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { callOf, once, send } from '../http/once';

const carrierName = 'Sandbox Express';
const undeliverable = refusal('undeliverable', 'undeliverable_address');
const recalled = refusal('recalled', 'recalled');

/** What else is known of an address or an item is printed on the label, whatever it is. */
const Ship = z.strictObject({
  order_id: Id,
  address: z.looseObject({ city: z.string() }).optional(),
  items: z.array(z.looseObject({ product_id: z.string(), quantity: z.int().min(1) })).min(1),
});

const Recall = z.strictObject({ order_id: Id });

const sql = {
  // A recall and a parcel of one order come one after the other, whatever their keys are.
  lock: { name: 'parcel_lock', text: `SELECT pg_advisory_xact_lock(hashtext('parcel'), hashtext($1))` },
  recalled: {
    name: 'parcel_recalled',
    text: `SELECT 1 FROM calls WHERE api = 'carrier' AND kind = 'recall' AND order_id = $1 LIMIT 1`,
  },
  taken: {
    name: 'parcel_taken',
    text: 'SELECT carrier, tracking_number FROM shipments WHERE order_id = $1 ORDER BY created_at LIMIT 1',
  },
  take: {
    name: 'parcel_take',
    text: 'INSERT INTO shipments (tracking_number, order_id, carrier, address, items) VALUES ($1, $2, $3, $4, $5)',
  },
};

export function carrier(database: Database): Router {
  const router = Router();

  router.post('/shipments', async (request, response) => {
    const { order_id, address, items } = Ship.parse(request.body);
    const about = { order_id, amount: null, currency: null, unheard: false };
    const call = callOf(request, 'carrier', 'ship', { order_id, address, items });
    const answer = await once(database, call, async (session) => {
      if (address?.city === 'Undeliverable') {
        return { ...about, status: 422, body: undeliverable };
      }
      await session.query(sql.lock, [order_id]);
      if ((await session.query(sql.recalled, [order_id])).length > 0) {
        return { ...about, status: 422, body: recalled };
      }
      const tracking_number = `SBX${randomBytes(6).toString('hex').toUpperCase()}`;
      await session.query(sql.take, [
        tracking_number,
        order_id,
        carrierName,
        address && JSON.stringify(address),
        JSON.stringify(items),
      ]);
      return { ...about, status: 201, body: { carrier: carrierName, tracking_number } };
    });
    send(response, answer);
  });

  /** Says what has become of an order's goods; if they are not here, they are never taken. */
  router.post('/recalls', async (request, response) => {
    const { order_id } = Recall.parse(request.body);
    const answer = await once(database, callOf(request, 'carrier', 'recall', { order_id }), async (session) => {
      await session.query(sql.lock, [order_id]);
      const [parcel] = await session.query<{ carrier: string; tracking_number: string }>(sql.taken, [order_id]);
      const body = parcel ? { outcome: 'dispatched', ...parcel } : { outcome: 'recalled' };
      return { status: 201, body, order_id, amount: null, currency: null, unheard: false };
    });
    send(response, answer);
  });

  return router;
}

function refusal(kind: string, reason: string) {
  return { ...problemBody(new Problem(422, { kind })), reason };
}
