import type { Queryable } from '@order-events/store';
import type { HistoryLine, Order, OrderStatus } from '../domain';

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

// One statement, so that an order and its history are of the same moment.
const FIND = {
  name: 'order_find',
  text: `SELECT o.*, (
           SELECT json_agg(json_build_object(
             'version', version, 'event', event, 'status', status,
             'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'detail', detail) ORDER BY version)
           FROM order_history h WHERE h.order_id = o.order_id) AS history
         FROM orders o WHERE order_id = $1`,
};

const OVERDUE = `
  SELECT order_id, user_id, total, currency, placed_at, floor(seconds - deadline)::bigint AS overdue_s
  FROM orders, deadline_clock WHERE status = 'paid' AND deadline <= seconds ORDER BY deadline LIMIT $1`;

export async function findOrder(database: Queryable, orderId: string): Promise<OrderWithHistory | undefined> {
  const [order] = await database.query<OrderWithHistory>(FIND, [orderId]);
  return order;
}

/** A page of orders, newest first. */
export async function listOrders(database: Queryable, filter: OrderFilter): Promise<Order[]> {
  const { user_id, status, after, limit } = filter;
  const values: unknown[] = [limit];
  const conditions: string[] = [];
  if (user_id !== undefined) conditions.push(`user_id = $${values.push(user_id)}`);
  if (status !== undefined) conditions.push(`status = $${values.push(status)}`);
  if (after !== undefined)
    conditions.push(`(placed_at, order_id) < ($${values.push(after.placed_at)}, $${values.push(after.order_id)})`);
  // Without a name: each combination is planned for its own index.
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  return database.query<Order>(`SELECT * FROM orders ${where} ORDER BY placed_at DESC, order_id DESC LIMIT $1`, values);
}

/** Paid orders that should have been dispatched by now, the most overdue first. */
export function overdueOrders(database: Queryable, limit: number): Promise<object[]> {
  return database.query(OVERDUE, [limit]);
}
