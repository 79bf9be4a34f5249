import type { EntityStore } from '@order-events/service-kit/entities';
import type { Queryable } from '@order-events/store';
import type { HistoryLine, Order, OrderStatus } from '../domain';
import { DeadlineClockEntity, OrderEntity, type DeadlineClock } from './entities';

/** A line of history as it is shown; `at` is RFC 3339. */
export type ShownLine = Omit<HistoryLine, 'order_id'> & { at: string };
export type OrderWithHistory = Order & { history: ShownLine[] };

/** Where a page of orders begins: behind this one, newest first. */
export interface OrderPlace {
  placed_at: number;
  order_id: string;
}

export interface OrderFilter {
  user_id?: string;
  status?: OrderStatus;
  after?: OrderPlace;
  limit: number;
}

// One statement, so that an order and its history are of the same moment; a named one, because customers who wait for
// their order ask again and again: as entities it took twice the time.
const FIND = {
  name: 'order_find',
  text: `SELECT o.*, (
           SELECT json_agg(json_build_object(
             'version', version, 'event', event, 'status', status,
             'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'detail', detail) ORDER BY version)
           FROM order_history h WHERE h.order_id = o.order_id) AS history
         FROM orders o WHERE order_id = $1`,
};

export async function findOrder(database: Queryable, orderId: string): Promise<OrderWithHistory | undefined> {
  const [order] = await database.query<OrderWithHistory>(FIND, [orderId]);
  return order;
}

/** A page of orders, newest first. */
export function listOrders(entities: EntityStore, { user_id, status, after, limit }: OrderFilter): Promise<Order[]> {
  return entities.query((manager) => {
    const page = manager.createQueryBuilder(OrderEntity, 'orders');
    if (user_id !== undefined) page.andWhere({ user_id });
    if (status !== undefined) page.andWhere({ status });
    // Compared as a row, which an index can seek: orders of one second are told apart by their ids.
    if (after) page.andWhere('(orders.placed_at, orders.order_id) < (:placed_at, :order_id)', { ...after });
    return page.orderBy({ 'orders.placed_at': 'DESC', 'orders.order_id': 'DESC' }).limit(limit).getMany();
  });
}

/** Paid orders that should have been dispatched by now, the most overdue first. */
export async function overdueOrders(entities: EntityStore, limit: number): Promise<object[]> {
  const clock = DeadlineClockEntity.options.name;
  const overdue = await entities.query((manager) =>
    manager
      .createQueryBuilder(OrderEntity, 'orders')
      .innerJoinAndMapOne('orders.clock', clock, 'clock', 'orders.deadline <= clock.seconds')
      .where({ status: 'paid' })
      .orderBy('orders.deadline')
      .limit(limit)
      .getMany(),
  );
  return (overdue as (Order & { clock: DeadlineClock })[]).map(({ deadline, clock: { seconds }, ...order }) => {
    const { order_id, user_id, total, currency, placed_at } = order;
    return { order_id, user_id, total, currency, placed_at, overdue_s: Math.floor(seconds - deadline!) };
  });
}
