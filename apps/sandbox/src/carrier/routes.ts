import { randomBytes } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { Problem, problemBody } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { callOf, once, send } from '../http/once';

const carrierName = 'Sandbox Express';
const undeliverable = {
  ...problemBody(new Problem(422, { kind: 'undeliverable' })),
  reason: 'undeliverable_address',
};

/** What else is known of an address or an item is printed on the label, whatever it is. */
const Ship = z.strictObject({
  order_id: Id,
  address: z.looseObject({ city: z.string() }).optional(),
  items: z.array(z.looseObject({ product_id: z.string(), quantity: z.int().min(1) })).min(1),
});

const shipped = {
  name: 'shipment',
  text: 'INSERT INTO shipments (tracking_number, order_id, carrier, address, items) VALUES ($1, $2, $3, $4, $5)',
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
      const tracking_number = `SBX${randomBytes(6).toString('hex').toUpperCase()}`;
      await session.query(shipped, [
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

  return router;
}
