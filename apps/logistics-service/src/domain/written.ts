import type { Decision } from '@order-events/messaging';
import type { LogisticsTables, Shipment } from './tables';

/** The row after a change. */
export function written(shipment: Shipment, change: Partial<Shipment>) {
  return { rows: { shipments: [{ ...shipment, ...change, version: shipment.version + 1 }] } };
}

/** The goods have left, and order-api is told. */
export function dispatched(
  shipment: Shipment,
  { carrier, tracking_number }: { carrier: string; tracking_number: string },
): Decision<LogisticsTables> {
  const { order_id, version } = shipment;
  const data = { order_id, carrier, tracking_number };
  return {
    ...written(shipment, { state: 'dispatched', carrier, tracking_number }),
    events: [{ subject: order_id, sequence: version + 1, type: 'shipment.dispatched', data }],
  };
}

/** The goods stay here, and order-api is told. */
export function failed(shipment: Shipment, reason: string): Decision<LogisticsTables> {
  const { order_id, version } = shipment;
  return {
    ...written(shipment, { state: 'failed', reason }),
    events: [{ subject: order_id, sequence: version + 1, type: 'shipment.failed', data: { order_id, reason } }],
  };
}
