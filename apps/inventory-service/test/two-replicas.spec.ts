import type { CloudEvent } from '@order-events/contracts';
import { cloudEvent, TwoReplicas, type OrderEnd } from '@order-events/testing';
import { handlers, tables, type InventoryTables, type Reservation } from '../src/domain';
import { basket } from './basket';
import { database } from './database';

const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);
let two: TwoReplicas<InventoryTables>;

beforeEach(async () => {
  two = await TwoReplicas.start({ tables, handlers, answers: [], group: 'inventory', database });
});
afterEach(() => two.close());

const created = (order: string) => cloudEvent('order.created', basket(order), 1);
const paid = (order: string) => cloudEvent('order.paid', basket(order), 3);
const cancelled = (order: string) =>
  cloudEvent('order.cancelled', { ...basket(order), reason: 'customer_request' as const }, 3);
type EventOf = (order: string) => CloudEvent;

type State = Reservation['state'];
type End = OrderEnd & { state: State };

/** How every order ends when both replicas get its events at once, with enough for so many of them. */
async function race(events: readonly EventOf[], enoughFor: number): Promise<End[]> {
  await two.sql(`INSERT INTO stock (product_id, available) VALUES ('apple', $1), ('pear', $2)`, [
    2 * enoughFor,
    enoughFor,
  ]);
  const found = await two.race(orders, (order) => events.map((event) => event(order)));
  const states = await two.rows('reservations', orders, ({ state }) => state);
  return found.map((end, index) => ({ ...end, state: states[index]! }));
}

/** Every piece is where the orders' states say that it is. */
async function expectStock(ends: readonly End[], enoughFor: number): Promise<void> {
  const places = await two.sql('SELECT product_id, available, reserved, sold FROM stock ORDER BY product_id');
  const reserved = ends.filter(({ state }) => state === 'reserved').length;
  const sold = ends.filter(({ state }) => state === 'sold').length;
  const piecesOf = (product_id: string, each: number) => ({
    product_id,
    available: String((enoughFor - reserved - sold) * each),
    reserved: String(reserved * each),
    sold: String(sold * each),
  });
  expect(places).toEqual([piecesOf('apple', 2), piecesOf('pear', 1)]);
}

const count = (ends: readonly End[], state: State) => ends.filter((end) => end.state === state).length;

test('created: reserved once and told', async () => {
  const ends = await race([created], 50);
  expect(ends).toEqual(orders.map(() => ({ state: 'reserved', told: ['inventory.reserved'], asked: [], dead: [] })));
  await expectStock(ends, 50);
});

test('created, with enough for 20 of 50: exactly 20 are reserved, the others rejected', async () => {
  const ends = await race([created], 20);
  expect([count(ends, 'reserved'), count(ends, 'rejected')]).toEqual([20, 30]);
  for (const { state, told } of ends) expect(told).toEqual([`inventory.${state}`]);
  await expectStock(ends, 20);
});

test('paid: sold once', async () => {
  const ends = await race([paid], 50);
  expect(ends).toEqual(orders.map(() => ({ state: 'sold', told: [], asked: [], dead: [] })));
  await expectStock(ends, 50);
});

test('paid, with enough for 20 of 50: exactly 20 are sold, the others are dead letters that hold nothing', async () => {
  const ends = await race([paid], 20);
  expect([count(ends, 'sold'), count(ends, 'none')]).toEqual([20, 30]);
  for (const { state, dead } of ends) expect(dead).toEqual(state === 'sold' ? [] : ['order.paid']);
  await expectStock(ends, 20);
});

test('created and paid: sold once, told of at most once', async () => {
  const ends = await race([created, paid], 50);
  for (const { state, told, dead } of ends) {
    expect({ state, dead }).toEqual({ state: 'sold', dead: [] });
    expect([[], ['inventory.reserved']]).toContainEqual(told);
  }
  await expectStock(ends, 50);
});

test('created and paid, with enough for 20 of 50: what is paid is sold while there is any, else a dead letter', async () => {
  const ends = await race([created, paid], 20);
  for (const { state, dead } of ends) expect(dead).toEqual(state === 'sold' ? [] : ['order.paid']);
  expect([count(ends, 'sold'), count(ends, 'rejected') + count(ends, 'none')]).toEqual([20, 30]);
  await expectStock(ends, 20);
});

test('cancelled: a tombstone', async () => {
  const ends = await race([cancelled], 50);
  expect(ends).toEqual(orders.map(() => ({ state: 'cancelled', told: [], asked: [], dead: [] })));
  await expectStock(ends, 50);
});

test.each([
  ['created', [created]],
  ['paid', [paid]],
  ['created and paid', [created, paid]],
])('cancelled with %s: everything is back', async (_, others) => {
  const ends = await race([...others, cancelled], 50);
  for (const { state, told, dead } of ends) {
    expect({ state, dead }).toEqual({ state: 'cancelled', dead: [] });
    expect([[], ['inventory.reserved']]).toContainEqual(told);
  }
  await expectStock(ends, 50);
});

test('cancelled with created, with enough for one: closed, whether it was rejected or not', async () => {
  const ends = await race([created, cancelled], 1);
  for (const { state, told, dead } of ends) {
    expect({ state, dead }).toEqual({ state: 'cancelled', dead: [] });
    expect([[], ['inventory.reserved'], ['inventory.rejected']]).toContainEqual(told);
  }
  await expectStock(ends, 1);
});
