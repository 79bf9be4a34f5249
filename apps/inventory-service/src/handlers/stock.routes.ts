import { Router } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { byHand, onlyMethods, Problem } from '@order-events/service-kit';
import type { EntityStore } from '@order-events/service-kit/entities';
import { recording } from '@order-events/store';
import { StockEntity } from '../store/entities';

const Delivery = z.strictObject({ add: z.int().min(1).max(1_000_000_000), ...byHand });
type Delivery = z.infer<typeof Delivery>;

const SHOWN = { product_id: true, available: true, reserved: true, sold: true } as const;

/** The operator's view of the stock, and the goods that come in. */
export function stockRoutes(store: EntityStore): Router {
  const routes = Router();
  routes
    .route('/stock')
    .get(async (_request, response) => {
      const items = await store.query((manager) =>
        manager.find(StockEntity, { select: SHOWN, order: { product_id: 'ASC' } }),
      );
      response.json({ items });
    })
    .all(onlyMethods('GET', 'HEAD'));
  routes
    .route('/stock/:id')
    .post(async (request, response) => {
      const id = Id.safeParse(request.params.id);
      if (!id.success) throw new Problem(404, { kind: 'not-found', detail: 'There is no such product id.' });
      response.json(await takeIn(store, id.data, Delivery.parse(request.body)));
    })
    .all(onlyMethods('POST'));
  return routes;
}

/** Adds to what is there, whatever orders do to it at the same time, on record, and returns it as it is then. */
function takeIn(store: EntityStore, product_id: string, { add, ...by }: Delivery) {
  return store.query((manager) =>
    manager.transaction(async (session) => {
      await session.createQueryBuilder().insert().into(StockEntity).values({ product_id }).orIgnore().execute();
      const more = { available: () => 'available + :add', version: () => 'version + 1' };
      const row = { product_id };
      await session.createQueryBuilder().update(StockEntity).set(more).where(row).setParameter('add', add).execute();
      await session.query(...recording('stock', 'inventory', by, { product_id, add }));
      return session.findOneOrFail(StockEntity, { select: SHOWN, where: row });
    }),
  );
}
