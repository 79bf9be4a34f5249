import { Router } from 'express';
import { z } from 'zod';
import { Currency, Id, Money } from '@order-events/contracts';
import type { Tracer } from '@order-events/messaging';
import { byHand, onlyMethods, Problem, REDACTED, Text } from '@order-events/service-kit';
import type { EntityStore } from '@order-events/service-kit/entities';
import { recording, type PostgresStore } from '@order-events/store';
import { ProductEntity } from '../store/entities';
import { findOrder, overdueOrders } from '../store/orders';
import { traceparentFrom } from '../traceparent';
import { noSuchOrder, orderIdOf } from './orders';
import { refundOrder } from './refund';
import { traced } from './traced';

const ProductInput = z.strictObject({ name: Text(200), price: Money, currency: Currency, ...byHand });
const Refund = z.strictObject(byHand);

const MOST_OVERDUE = 1_000;

export interface OperatorRoutesOptions {
  store: Pick<PostgresStore, 'database' | 'transact'>;
  entities: EntityStore;
  tracer: Tracer;
}

/** The operator's view of orders, and the catalogue to be changed. */
export function operatorRoutes({ store, entities, tracer }: OperatorRoutesOptions): Router {
  const routes = Router();
  routes
    .route('/products/:id')
    .put(async (request, response) => {
      const id = Id.safeParse(request.params.id);
      if (!id.success) throw new Problem(404, { kind: 'not-found', detail: 'No product can have this id.' });
      const { actor, reason, ...change } = ProductInput.parse(request.body);
      const product = { product_id: id.data, ...change };
      await entities.query((manager) =>
        manager.transaction(async (session) => {
          await session.upsert(ProductEntity, product, ['product_id']);
          await session.query(...recording('product', 'order-api', { actor, reason }, product));
        }),
      );
      response.json(product);
    })
    .all(onlyMethods('PUT'));
  routes
    .route('/orders/:id')
    .get(async (request, response) => {
      const order = await findOrder(store.database, orderIdOf(request));
      if (!order) throw noSuchOrder();
      response.json({ ...order, payment_token: order.payment_token === null ? null : REDACTED });
    })
    .all(onlyMethods('GET', 'HEAD'));
  routes
    .route('/orders/:id/refund')
    .post(traced(tracer), async (request, response) => {
      const traceparent = traceparentFrom(request.get('traceparent'));
      const order = await refundOrder(store, orderIdOf(request), Refund.parse(request.body), traceparent);
      if (!order) throw noSuchOrder();
      const { order_id, status, recalled, cancel_reason, payment } = order;
      response.json({ order_id, status, recalled, cancel_reason, payment });
    })
    .all(onlyMethods('POST'));
  routes
    .route('/overdue')
    .get(async (_request, response) => {
      response.json({ items: await overdueOrders(entities, MOST_OVERDUE) });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return routes;
}
