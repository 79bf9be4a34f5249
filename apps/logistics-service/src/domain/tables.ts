import type { Address } from '@order-events/contracts';
import type { Table, Tables } from '@order-events/messaging';

export interface Line {
  product_id: string;
  quantity: number;
}

/**
 * How far an order's goods have come. `none`: nothing is known of them yet. `dispatching`: the carrier is asked, and
 * only its answer ends that. `recalling`: the carrier is asked to leave the goods here. `cancelled`: the plan is dropped, or there will never be one (a tombstone).
 */
export type Shipment = {
  order_id: string;
  version: number;
  state: 'none' | 'planned' | 'dispatching' | 'recalling' | 'dispatched' | 'failed' | 'cancelled';
  items: Line[];
  address: Address | null;
  carrier: string | null;
  tracking_number: string | null;
  /** Why the carrier refused. */
  reason: string | null;
};

export function blankShipment(order_id: string): Shipment {
  return {
    order_id,
    version: 0,
    state: 'none',
    items: [],
    address: null,
    carrier: null,
    tracking_number: null,
    reason: null,
  };
}

const shipments: Table<Shipment> = {
  name: 'shipments',
  key: 'order_id',
  columns: {
    order_id: 'text',
    version: 'integer',
    state: 'text',
    items: 'json',
    address: 'json',
    carrier: 'text',
    tracking_number: 'text',
    reason: 'text',
  },
  rows: 'made',
  blank: blankShipment,
};

export const tables = { shipments } satisfies Tables;
export type LogisticsTables = typeof tables;
