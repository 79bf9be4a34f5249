import type { Address } from '@order-events/contracts';
import type { EffectHandler, NewEffect } from '@order-events/messaging';
import { blankShipment, type Line, type LogisticsTables, type Shipment } from './tables';
import { dispatched, failed } from './written';

/** What is asked of the carrier, by the kind of effect. */
export interface Inputs {
  'carrier.dispatch': { order_id: string; address?: Address; items: Line[] };
  'carrier.recall': { order_id: string };
}

/** What the carrier answers for certain: the goods are with it, or it takes them neither now nor later. */
export type CarrierAnswer =
  { outcome: 'dispatched'; carrier: string; tracking_number: string } | { outcome: 'refused'; reason: string };

export type EffectKind = keyof Inputs;

/** An effect's handler but for the call. */
export type AnswerHandler<K extends EffectKind = EffectKind> = Omit<
  EffectHandler<LogisticsTables, Inputs[K], CarrierAnswer>,
  'call'
>;

export function dispatch({ order_id, items, address }: Pick<Shipment, 'order_id' | 'items' | 'address'>): NewEffect {
  return effect('carrier.dispatch', { order_id, items, ...(address && { address }) });
}

/** By the order and not by what is known of it: a service restored from a backup has forgotten what it has asked. */
export function recall(order_id: string): NewEffect {
  return effect('carrier.recall', { order_id });
}

export const dispatchAnswered = onAnswer('carrier.dispatch', 'dispatching');
export const recallAnswered = onAnswer('carrier.recall', 'recalling');

/** The carrier knows a call again by its order and verb. */
function effect<K extends EffectKind>(kind: K, input: Inputs[K]): NewEffect {
  return { kind, key: input.order_id, idempotencyKey: kind.replace('carrier', input.order_id), input };
}

function onAnswer<K extends EffectKind>(kind: K, waiting: Shipment['state']): AnswerHandler<K> {
  return {
    kind,
    keys: ({ order_id }) => ({ shipments: [order_id] }),
    decide({ shipments }, { order_id }, answer) {
      const shipment = shipments.get(order_id) ?? blankShipment(order_id);
      const isWaiting = shipment.state === waiting;
      // Told of a cancelled order as well: goods that are on their way must not be kept a secret.
      if (answer.outcome === 'dispatched')
        return isWaiting || shipment.state === 'cancelled' ? dispatched(shipment, answer) : {};
      return isWaiting ? failed(shipment, answer.reason) : {};
    },
  };
}
