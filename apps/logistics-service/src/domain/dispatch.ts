import type { Address } from '@order-events/contracts';
import type { EffectHandler, NewEffect } from '@order-events/messaging';
import { blankShipment, type Line, type LogisticsTables } from './tables';
import { failed, written } from './written';

/** What is asked of the carrier. */
export interface DispatchInput {
  order_id: string;
  address?: Address;
  items: Line[];
}

/** What the carrier answers for certain. */
export type DispatchAnswer =
  { outcome: 'dispatched'; carrier: string; tracking_number: string } | { outcome: 'refused'; reason: string };

export function dispatch(order_id: string, items: Line[], address: Address | null): NewEffect {
  const input: DispatchInput = { order_id, items, ...(address && { address }) };
  return { kind: 'carrier.dispatch', key: order_id, idempotencyKey: `${order_id}.dispatch`, input };
}

/** The effect's handler but for the call. */
export const dispatchAnswered: Omit<EffectHandler<LogisticsTables, DispatchInput, DispatchAnswer>, 'call'> = {
  kind: 'carrier.dispatch',
  keys: ({ order_id }) => ({ shipments: [order_id] }),
  decide({ shipments }, { order_id }, answer) {
    const shipment = shipments.get(order_id) ?? blankShipment(order_id);
    if (answer.outcome === 'dispatched') {
      // Told of a cancelled order as well: goods that are on their way must not be kept a secret.
      if (shipment.state !== 'dispatching' && shipment.state !== 'cancelled') return {};
      const { carrier, tracking_number } = answer;
      return {
        ...written(shipment, { state: 'dispatched', carrier, tracking_number }),
        events: [
          {
            subject: order_id,
            sequence: shipment.version + 1,
            type: 'shipment.dispatched',
            data: { order_id, carrier, tracking_number },
          },
        ],
      };
    }
    return shipment.state === 'dispatching' ? failed(shipment, answer.reason) : {};
  },
};
