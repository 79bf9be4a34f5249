import { stocked } from '../scenario';
import type { Order } from '../workspace';
import type { Invariant, Sight } from './invariant';

interface Stock {
  available: number;
  reserved: number;
  sold: number;
}

/** Pieces neither appear nor vanish, none can leave that is told to stay, and at the end they are with whoever completed an order. */
export function goods({ databases, scenarios, outside, report }: Sight): Invariant {
  const { database } = databases.inventory;

  function checkStock(product: string): void {
    const { available, reserved, sold } = database.table<Stock>('stock').get(product)!;
    if (Math.min(available, reserved, sold) < 0) report(`there are less than no ${product}`);
    const sum = available + reserved + sold;
    if (sum !== stocked[product]) report(`of ${stocked[product]} ${product} there are ${sum}`);
  }

  function checkThatTheyStay(order: string): void {
    const { parcels, recalled } = outside.of(order);
    if (parcels > 0 || (scenarios.get(order)!.dispatches && !recalled))
      report(`${order} is told to stay, and the carrier ${parcels > 0 ? 'has it' : 'may still take it'}`);
  }

  return {
    committed({ rows, events }) {
      for (const { table, key } of rows) if (table === 'stock') checkStock(key);
      for (const { topic, key } of events) if (topic === 'shipment.failed') checkThatTheyStay(key);
    },
    end() {
      const owed = new Map<string, number>();
      const reservations = database.table<{ state: string }>('reservations');
      const shipments = databases.logistics.database.table<{ state: string }>('shipments');
      for (const { order_id, status, items } of databases['order-api'].database.table<Order>('orders').values()) {
        const completed = status === 'completed';
        if (completed)
          for (const { product_id, quantity } of items) owed.set(product_id, (owed.get(product_id) ?? 0) + quantity);
        if (outside.of(order_id).parcels !== (completed ? 1 : 0))
          report(`${order_id} is ${status} and has ${outside.of(order_id).parcels} parcels`);
        const reservation = reservations.get(order_id)?.state ?? 'none';
        if (reservation !== (completed ? 'sold' : 'cancelled'))
          report(`${order_id} is ${status} and its reservation ${reservation}`);
        const shipment = shipments.get(order_id)?.state ?? 'none';
        if (shipment !== (completed ? 'dispatched' : 'cancelled'))
          report(`${order_id} is ${status} and its shipment ${shipment}`);
      }
      for (const [product_id, { reserved, sold }] of database.table<Stock>('stock')) {
        if (reserved !== 0) report(`${reserved} ${product_id} stay reserved`);
        const wanted = owed.get(product_id) ?? 0;
        if (sold !== wanted) report(`${sold} ${product_id} are sold instead of ${wanted}`);
      }
    },
  };
}
