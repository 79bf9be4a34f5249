import { Router, type Request } from 'express';
import { z } from 'zod';
import { Id } from '@order-events/contracts';
import { systemRuntime } from '@order-events/messaging';
import {
  jsonBody,
  onlyMethods,
  pageOf,
  paging,
  placeFrom,
  Problem,
  traceId,
  type Logger,
} from '@order-events/service-kit';
import type { EntityStore } from '@order-events/service-kit/entities';
import type { PostgresStore } from '@order-events/store';
import type { Order } from '../domain';
import type { Door } from '../door/door';
import type { OutboxAge } from '../door/outbox-age';
import { findOrder, listOrders, type ShownLine } from '../store/orders';
import { traceparentFrom } from '../traceparent';
import { cancelOrder } from './cancel';
import { claimFrom } from './idempotency-key';
import { OrderInput } from './order-input';

export interface OrderRoutesOptions {
  store: PostgresStore;
  entities: EntityStore;
  door: Pick<Door, 'place'>;
  outboxAge: Pick<OutboxAge, 'assertYoung'>;
  log: Logger;
}

const OrderQuery = z.strictObject({
  user_id: Id.optional(),
  status: z.enum(['pending', 'confirmed', 'paid', 'completed', 'cancelled']).optional(),
  ...paging,
});
const OrderPlace = z.strictObject({ placed_at: z.int(), order_id: Id });

/** Places, shows, lists and cancels orders. */
export function orderRoutes({ store, entities, door, outboxAge, log }: OrderRoutesOptions): Router {
  const routes = Router();
  const { database } = store;

  routes
    .route('/orders')
    .post(...jsonBody('256kb'), async (request, response) => {
      outboxAge.assertYoung();
      const wish = OrderInput.parse(request.body);
      const claim = claimFrom(request.get('idempotency-key'), wish);
      const traceparent = traceparentFrom(request.get('traceparent'));
      // A UUIDv7, as for events: orders that are placed together lie together.
      const order_id = systemRuntime.eventId();
      const reply = await door.place({ order_id, wish, claim, traceparent });
      const { replayed } = reply;
      log.info({ order_id: reply.order_id, trace_id: traceId(traceparent), replayed }, 'order placed');
      if (replayed) response.set('idempotency-replayed', 'true');
      response.status(reply.status).location(`/orders/${reply.order_id}`).type('application/json').send(reply.body);
    })
    .get(async (request, response) => {
      const { cursor, limit, ...filter } = OrderQuery.parse(request.query);
      const after = cursor === undefined ? undefined : placeFrom(cursor, OrderPlace);
      const rows = await listOrders(entities, { ...filter, after, limit: limit + 1 });
      response.json(pageOf(rows, limit, ({ placed_at, order_id }) => ({ placed_at, order_id }), shown));
    })
    .all(onlyMethods('GET', 'HEAD', 'POST'));

  routes
    .route('/orders/:id')
    .get(async (request, response) => {
      const order = await findOrder(database, orderIdOf(request));
      if (!order) throw noSuchOrder();
      response.json({ ...shown(order), history: order.history.map(shownLine) });
    })
    .all(onlyMethods('GET', 'HEAD'));

  routes
    .route('/orders/:id/cancel')
    .post(async (request, response) => {
      const traceparent = traceparentFrom(request.get('traceparent'));
      const order = await cancelOrder(store, orderIdOf(request), traceparent);
      if (!order) throw noSuchOrder();
      const { order_id, status, cancel_reason } = order;
      log.info({ order_id, trace_id: traceId(traceparent), cancel_reason }, 'order cancelled');
      // What inventory and payment had both granted was confirmed, and its capture may be under way.
      const isCapturePossible = order.inventory === 'reserved' && order.payment === 'authorized';
      response.json({ order_id, status, cancel_reason, ...(isCapturePossible && { note: REFUND }) });
    })
    .all(onlyMethods('POST'));

  return routes;
}

const REFUND = 'If the payment has been captured in the meantime, it will be refunded.';

/** @throws Problem 404 for an id that no order can have. */
export function orderIdOf(request: Request<{ id: string }>): string {
  const id = Id.safeParse(request.params.id);
  if (!id.success) throw noSuchOrder();
  return id.data;
}

export function noSuchOrder(): Problem {
  return new Problem(404, { kind: 'unknown-order', detail: 'There is no such order.' });
}

const ForCustomers = z.object({ reason: z.unknown(), carrier: z.unknown(), tracking_number: z.unknown() }).partial();

/** Not with what the event tells only to operators, such as the gateway's ids. */
function shownLine(line: ShownLine): ShownLine {
  return { ...line, detail: ForCustomers.parse(line.detail) };
}

/** An order as its customer may see it. */
function shown(order: Order): object {
  const { order_id, user_id, status, items, total, currency, email, shipping_address, placed_at } = order;
  const { cancel_reason, carrier, tracking_number } = order;
  const created_at = new Date(placed_at * 1000).toISOString();
  const outcome = { cancel_reason, carrier, tracking_number };
  return { order_id, user_id, status, items, total, currency, email, shipping_address, created_at, ...outcome };
}
