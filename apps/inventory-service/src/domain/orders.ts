import type { CloudEvent, EventData } from '@order-events/contracts';
import { DeadLetterError, type Decision, type EventHandler } from '@order-events/messaging';
import { linesOf, missingFrom, move, type StockRows } from './stock';
import { blankReservation, type InventoryTables, type Reservation, type Stock } from './tables';

type OrderTopic = 'order.created' | 'order.paid' | 'order.cancelled';

/** Reserves all of an order or rejects it. An order of which anything is known already has had its answer. */
export const created = onOrder('order.created', (reservation, stock, order) => {
  if (reservation.state !== 'none') return {};
  const items = linesOf(order.items);
  const missing = missingFrom(stock, items);
  const { order_id } = order;
  if (missing.length > 0) {
    const rejected = next(reservation, { state: 'rejected', items });
    const data = { order_id, reason: 'out_of_stock' as const, missing };
    return {
      ...written(rejected),
      events: [{ type: 'inventory.rejected', subject: order_id, sequence: rejected.version, data }],
    };
  }
  const reserved = next(reservation, { state: 'reserved', items });
  return {
    ...written(reserved, move(stock, items, 'available', 'reserved')),
    events: [{ type: 'inventory.reserved', subject: order_id, sequence: reserved.version, data: { order_id } }],
  };
});

/**
 * Sells what is reserved. A paid order of which nothing is held is owed its goods all the same, so they are taken from
 * what is available; if there are too few, people must see to it.
 */
export const paid = onOrder('order.paid', (reservation, stock, order) => {
  switch (reservation.state) {
    case 'reserved':
      return written(next(reservation, { state: 'sold' }), move(stock, reservation.items, 'reserved', 'sold'));
    case 'none':
    case 'rejected': {
      const items = linesOf(order.items);
      const missing = missingFrom(stock, items);
      if (missing.length > 0)
        throw new DeadLetterError(`order ${order.order_id} is paid, and there is too little of ${missing.join(', ')}`);
      return written(next(reservation, { state: 'sold', items }), move(stock, items, 'available', 'sold'));
    }
    case 'sold':
    case 'cancelled':
      return {};
  }
});

/** Gives back what is held, and closes the order for whatever comes later. */
export const cancelled = onOrder('order.cancelled', (reservation, stock) => {
  switch (reservation.state) {
    case 'cancelled':
      return {};
    case 'none':
    case 'rejected':
      return written(next(reservation, { state: 'cancelled' }));
    case 'reserved':
    case 'sold': {
      const back = move(stock, reservation.items, reservation.state, 'available');
      return written(next(reservation, { state: 'cancelled' }), back);
    }
  }
});

/** A handler that locks the order's row and the stock of all its products. */
function onOrder<E extends OrderTopic>(
  topic: E,
  decide: (reservation: Reservation, stock: StockRows, order: EventData<E>) => Decision<InventoryTables>,
): EventHandler<InventoryTables, E> {
  return {
    topic,
    keys: ({ data }: CloudEvent<OrderTopic>) => ({
      reservations: [data.order_id],
      stock: linesOf(data.items).map(({ product_id }) => product_id),
    }),
    decide: ({ reservations, stock }, { data }) =>
      decide(reservations.get(data.order_id) ?? blankReservation(data.order_id), stock, data),
  };
}

function next(reservation: Reservation, change: Partial<Reservation>): Reservation {
  return { ...reservation, ...change, version: reservation.version + 1 };
}

function written(reservation: Reservation, stock: Stock[] = []): Decision<InventoryTables> {
  return { rows: { reservations: [reservation], stock } };
}
