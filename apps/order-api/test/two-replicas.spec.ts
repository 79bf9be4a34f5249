import type { CloudEvent } from '@order-events/contracts';
import { Problem } from '@order-events/service-kit';
import type { PostgresStore } from '@order-events/store';
import { cloudEvent, TwoReplicas, type OrderEnd } from '@order-events/testing';
import { handlers, place, tables, type Order, type OrderTables } from '../src/domain';
import { insertOrders } from '../src/door/sql';
import { cancelOrder } from '../src/http/cancel';
import { database } from './database';

const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);
let two: TwoReplicas<OrderTables, PostgresStore>;

beforeEach(async () => {
  two = await TwoReplicas.start({ tables, handlers, answers: [], group: 'order-api', database });
});
afterEach(() => two.close());

/** Puts pending orders there, all of them new. */
async function placed(): Promise<void> {
  const items = [{ product_id: 'apple', quantity: 1, unit_price: 250 }];
  const all = orders.map((order_id) => place({ order_id, user_id: 'u1', items, currency: 'EUR' }, 1_700_000_000));
  await two.replicas[0].store.transact(async (tx, session) => {
    await insertOrders(
      session,
      all.map(({ order }) => order),
    );
    await tx.write(tables, { order_history: all.map(({ history }) => history) });
  });
}

const money = (order_id: string) => ({ order_id, amount: 250, currency: 'EUR' });
const reserved = (order_id: string) => cloudEvent('inventory.reserved', { order_id });
const rejected = (order_id: string) =>
  cloudEvent('inventory.rejected', { order_id, reason: 'out_of_stock', missing: ['apple'] });
const authorized = (order: string) => cloudEvent('payment.authorized', { ...money(order), authorization_id: 'a1' });
const declined = (order_id: string) => cloudEvent('payment.declined', { order_id, reason: 'card_declined' });
const captured = (order: string) => cloudEvent('payment.captured', { ...money(order), capture_id: 'c1' });
const captureFailed = (order_id: string) => cloudEvent('payment.capture_failed', { order_id, reason: 'card_expired' });
const refunded = (order: string) => cloudEvent('payment.refunded', { ...money(order), refund_id: 'r1' });
const dispatched = (order_id: string) =>
  cloudEvent('shipment.dispatched', { order_id, carrier: 'Parcels', tracking_number: 't1' });
const failed = (order_id: string) => cloudEvent('shipment.failed', { order_id, reason: 'undeliverable_address' });
type EventOf = (order: string) => CloudEvent;

type End = OrderEnd & Pick<Order, 'status' | 'cancel_reason' | 'payment'> & { steps: number };

/** How every order ends when both replicas get these answers at once. */
async function race(events: readonly EventOf[], alongside?: (order: string) => Promise<void>): Promise<End[]> {
  const found = await two.race(orders, (order) => events.map((event) => event(order)), alongside);
  const rows = await two.rows('orders', orders, (row) => row);
  const lines = await two.sql<{ order_id: string; steps: number }>(
    'SELECT order_id, count(*)::integer AS steps FROM order_history GROUP BY order_id',
  );
  const steps = new Map(lines.map((line) => [line.order_id, line.steps]));
  return found.map((end, index) => {
    const { order_id, version, status, cancel_reason, payment } = rows[index]!;
    expect(steps.get(order_id)).toBe(version);
    return { ...end, status, cancel_reason, payment, steps: version };
  });
}

const ended = (end: Partial<End>) => orders.map(() => expect.objectContaining({ asked: [], dead: [], ...end }));

test('both yeses at once: confirmed once', async () => {
  await placed();
  expect(await race([reserved, authorized])).toEqual(
    ended({ status: 'confirmed', told: ['order.confirmed'], steps: 3 }),
  );
});

test.each([
  ['yes and no', [reserved, declined], ['payment_declined']],
  ['no and yes', [rejected, authorized], ['out_of_stock']],
  ['two noes', [rejected, declined], ['out_of_stock', 'payment_declined']],
])('%s at once: cancelled once', async (_, events, reasons) => {
  await placed();
  for (const { status, told, dead, cancel_reason } of await race(events)) {
    expect({ status, told, dead }).toEqual({ status: 'cancelled', told: ['order.cancelled'], dead: [] });
    expect(reasons).toContain(cancel_reason);
  }
});

test('captured and a cancel at once: the first one wins, and a cancel that comes second is refused', async () => {
  await placed();
  await race([reserved, authorized]);
  const accepted = new Map<string, boolean>();
  const cancel = async (order: string) => {
    try {
      const { status } = (await cancelOrder(two.replicas[1].store, order, '00-trace-span-01'))!;
      accepted.set(order, status === 'cancelled');
    } catch (error) {
      if (!(error instanceof Problem && error.status === 409)) throw error;
      accepted.set(order, false);
    }
  };
  const ends = await race([captured], cancel);
  for (const [index, { status, told, dead }] of ends.entries()) {
    const final = accepted.get(orders[index]!) ? 'cancelled' : 'paid';
    expect({ status, told, dead }).toEqual({ status: final, told: ['order.confirmed', `order.${final}`], dead: [] });
  }
});

test('captured and a failed capture cannot both be true: the second is passed over or dead', async () => {
  await placed();
  await race([reserved, authorized]);
  for (const { status, told, dead } of await race([captured, captureFailed])) {
    expect(told).toEqual(['order.confirmed', `order.${status}`]);
    expect(dead).toEqual(status === 'paid' ? ['payment.capture_failed'] : []);
  }
});

test('dispatched: completed once', async () => {
  await placed();
  await race([reserved, authorized]);
  await race([captured]);
  expect(await race([dispatched])).toEqual(
    ended({ status: 'completed', told: ['order.confirmed', 'order.paid', 'order.completed'], steps: 5 }),
  );
});

test('a shipment that failed: cancelled once, and its refund recorded once', async () => {
  await placed();
  await race([reserved, authorized]);
  await race([captured]);
  const told = ['order.confirmed', 'order.paid', 'order.cancelled'];
  expect(await race([failed])).toEqual(ended({ status: 'cancelled', cancel_reason: 'shipment_failed', told }));
  expect(await race([refunded])).toEqual(ended({ status: 'cancelled', payment: 'refunded', told, steps: 6 }));
});

test('answers for a cancelled order: nothing, but for the record of its money', async () => {
  await placed();
  await race([rejected]);
  expect(await race([authorized, captured, refunded])).toEqual(
    ended({ status: 'cancelled', payment: 'refunded', told: ['order.cancelled'], steps: 3 }),
  );
});

test('answers for an order that does not exist are dead letters, one each', async () => {
  const events = [reserved, authorized, captured, refunded, dispatched];
  const found = await two.race(orders, (order) => events.map((event) => event(order)));
  const topics = events.map((event) => event('o1').type).sort();
  expect(found.map(({ dead, told }) => ({ dead: dead.sort(), told }))).toEqual(
    orders.map(() => ({ dead: topics, told: [] })),
  );
  expect(await two.sql('SELECT order_id FROM orders')).toEqual([]);
});
