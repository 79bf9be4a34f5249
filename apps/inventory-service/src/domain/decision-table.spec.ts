import { DeadLetterError } from '@order-events/messaging';
import { cloudEvent, DecidingService, ends, everyRun } from '@order-events/testing';
import { basket } from '../../test/basket';
import { handlers, tables, type InventoryTables } from './index';

const order = basket('o1');
const created = cloudEvent('order.created', order, 1);
const paid = cloudEvent('order.paid', order, 3);
const cancelled = cloudEvent('order.cancelled', { ...order, reason: 'customer_request' }, 3);

function inventory(available: Record<string, number>) {
  const service = new DecidingService({ tables, handlers, answers: [] });
  for (const [product_id, count] of Object.entries(available))
    service.put({ stock: [{ product_id, version: 0, available: count, reserved: 0, sold: 0 }] });
  return service;
}

/** What can be seen from outside: the state, where the pieces are, and what was told. */
function seen(service: DecidingService<InventoryTables>) {
  const places = [...service.table('stock').values()].map((row) => [
    row.product_id,
    row.available,
    row.reserved,
    row.sold,
  ]);
  return {
    state: service.table('reservations').get('o1')?.state,
    places,
    told: service.events.map(({ type }) => type),
  };
}

const enough = () => inventory({ apple: 3, pear: 1 });
const untouched = [
  ['apple', 3, 0, 0],
  ['pear', 1, 0, 0],
];
const reserved = [
  ['apple', 1, 2, 0],
  ['pear', 0, 1, 0],
];
const sold = [
  ['apple', 1, 0, 2],
  ['pear', 0, 0, 1],
];

describe('created', () => {
  test('no row: all of it is reserved, once', () => {
    expect(ends(everyRun(enough(), [created]), seen)).toEqual([
      { state: 'reserved', places: reserved, told: ['inventory.reserved'] },
    ]);
  });

  test.each([
    ['too little of one product', { apple: 1, pear: 1 }, ['apple']],
    ['an unknown product', { apple: 3 }, ['pear']],
    ['nothing at all', {}, ['apple', 'pear']],
  ])('%s: rejected, nothing is touched, the missing products are named', (_, available, missing) => {
    const outcomes = ends(everyRun(inventory(available), [created]), (service) => ({
      ...seen(service),
      told: service.events,
    }));
    expect(outcomes).toEqual([
      {
        state: 'rejected',
        places: Object.entries(available).map(([product_id, count]) => [product_id, count, 0, 0]),
        told: [
          {
            type: 'inventory.rejected',
            subject: 'o1',
            sequence: 1,
            data: { order_id: 'o1', reason: 'out_of_stock', missing },
          },
        ],
      },
    ]);
  });
});

describe('paid', () => {
  test('in any order with created: sold; who was paid before being known is not told of a reservation', () => {
    expect(ends(everyRun(enough(), [created, paid]), seen)).toEqual([
      { state: 'sold', places: sold, told: ['inventory.reserved'] },
      { state: 'sold', places: sold, told: [] },
    ]);
  });

  test('no row and too little: a dead letter, and nothing is touched', () => {
    const service = inventory({ apple: 1, pear: 1 });
    expect(() => service.handle(paid)).toThrow(DeadLetterError);
    expect(() => service.handle(paid)).toThrow('order o1 is paid, and there is too little of apple');
    expect(seen(service)).toEqual({
      state: undefined,
      places: [
        ['apple', 1, 0, 0],
        ['pear', 1, 0, 0],
      ],
      told: [],
    });
  });

  test('after a rejection: a dead letter while there is too little, sold once there is enough', () => {
    const service = inventory({ apple: 1, pear: 1 });
    service.handle(created);
    expect(() => service.handle(paid)).toThrow(DeadLetterError);
    service.put({ stock: [{ product_id: 'apple', version: 1, available: 3, reserved: 0, sold: 0 }] });
    service.handle(paid);
    expect(seen(service)).toEqual({ state: 'sold', places: sold, told: ['inventory.rejected'] });
  });
});

describe('cancelled', () => {
  test('in any order with created: nothing is held, and a tombstone keeps created from reserving', () => {
    expect(ends(everyRun(enough(), [created, cancelled]), seen)).toEqual([
      { state: 'cancelled', places: untouched, told: ['inventory.reserved'] },
      { state: 'cancelled', places: untouched, told: [] },
    ]);
  });

  test('in any order with created and paid: the stock is back', () => {
    expect(ends(everyRun(enough(), [created, paid, cancelled]), seen)).toEqual([
      { state: 'cancelled', places: untouched, told: ['inventory.reserved'] },
      { state: 'cancelled', places: untouched, told: [] },
    ]);
  });

  test('in any order with a created that cannot be reserved: closed', () => {
    expect(ends(everyRun(inventory({ apple: 3 }), [created, cancelled]), seen)).toEqual([
      { state: 'cancelled', places: [['apple', 3, 0, 0]], told: ['inventory.rejected'] },
      { state: 'cancelled', places: [['apple', 3, 0, 0]], told: [] },
    ]);
  });
});

test('two orders for the last piece: one has it, and it goes to the other only after a cancel', () => {
  const service = inventory({ apple: 2, pear: 1 });
  const second = cloudEvent('order.created', { ...order, order_id: 'o2' });
  const third = cloudEvent('order.created', { ...order, order_id: 'o3' });
  service.handle(created);
  service.handle(second);
  service.handle(cancelled);
  service.handle(third);
  expect([...service.table('reservations').values()].map(({ order_id, state }) => [order_id, state])).toEqual([
    ['o1', 'cancelled'],
    ['o2', 'rejected'],
    ['o3', 'reserved'],
  ]);
});
