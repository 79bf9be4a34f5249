import type { Shipment } from './tables';

/** The row after a change. */
export function written(shipment: Shipment, change: Partial<Shipment>) {
  return { rows: { shipments: [{ ...shipment, ...change, version: shipment.version + 1 }] } };
}
