import type { Table, Tables } from '@order-events/messaging';

/** So many of one product. */
export interface Line {
  product_id: string;
  quantity: number;
}

/**
 * What is held for an order. `none`: nothing is known of it yet. `cancelled` is final, whatever was held before; it is
 * also the tombstone of an order whose other events are still to come.
 */
export type Reservation = {
  order_id: string;
  version: number;
  state: 'none' | 'reserved' | 'sold' | 'rejected' | 'cancelled';
  /** One line a product. */
  items: Line[];
};

/** Where the pieces of a product are. Their sum changes only by an operator's hand. */
export type Stock = {
  product_id: string;
  version: number;
  available: number;
  reserved: number;
  sold: number;
};

export function blankReservation(order_id: string): Reservation {
  return { order_id, version: 0, state: 'none', items: [] };
}

const reservations: Table<Reservation> = {
  name: 'reservations',
  key: 'order_id',
  columns: { order_id: 'text', version: 'integer', state: 'text', items: 'json' },
  rows: 'made',
  blank: blankReservation,
};

const stock: Table<Stock> = {
  name: 'stock',
  key: 'product_id',
  columns: { product_id: 'text', version: 'bigint', available: 'bigint', reserved: 'bigint', sold: 'bigint' },
  rows: 'found',
};

/** In the order in which they are locked: an order's row first, then the products that orders compete for. */
export const tables = { reservations, stock } satisfies Tables;
export type InventoryTables = typeof tables;
