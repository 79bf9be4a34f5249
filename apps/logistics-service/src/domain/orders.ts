import type { CloudEvent, EventData } from '@order-events/contracts';
import { DeadLetterError, type Decision, type EventHandler } from '@order-events/messaging';
import { dispatch, recall } from './carrier';
import { blankShipment, type LogisticsTables, type Shipment } from './tables';
import { written } from './written';

type OrderTopic = 'order.created' | 'order.paid' | 'order.recalled' | 'order.cancelled';

/** Plans the shipment. */
export const created = onOrder('order.created', (shipment, order) =>
  shipment.state === 'none' ? written(shipment, { state: 'planned', ...goodsOf(order) }) : {},
);

/** Hands the goods to the carrier, planned before or not. */
export const paid = onOrder('order.paid', (shipment, order) => {
  if (!isHere(shipment)) return {};
  const goods = goodsOf(order);
  return {
    ...written(shipment, { state: 'dispatching', ...goods }),
    effects: [dispatch({ ...shipment, ...goods })],
  };
});

/**
 * Has the carrier say what has become of goods of which nobody knows here that it was asked to take them: that may have been
 * forgotten. Once it is asked, its answer says that anyway.
 */
export const recalled = onOrder('order.recalled', (shipment, order) =>
  isHere(shipment)
    ? { ...written(shipment, { state: 'recalling', ...goodsOf(order) }), effects: [recall(order.order_id)] }
    : {},
);

/** Drops the plan, and closes the order for whatever comes later. */
export const cancelled = onOrder('order.cancelled', (shipment) => {
  switch (shipment.state) {
    case 'cancelled':
      return {};
    case 'dispatched':
      // Only a shipment that failed lets a paid order be cancelled, so somebody is wrong about where the goods are.
      throw new DeadLetterError(`order ${shipment.order_id} is cancelled, and its goods are on their way`);
    default:
      return written(shipment, { state: 'cancelled' });
  }
});

function isHere({ state }: Shipment): boolean {
  return state === 'none' || state === 'planned';
}

function goodsOf(order: EventData<OrderTopic>): Pick<Shipment, 'items' | 'address'> {
  const items = order.items.map(({ product_id, quantity }) => ({ product_id, quantity }));
  return { items, address: order.shipping_address ?? null };
}

function onOrder<E extends OrderTopic>(
  topic: E,
  decide: (shipment: Shipment, order: EventData<E>) => Decision<LogisticsTables>,
): EventHandler<LogisticsTables, E> {
  return {
    topic,
    keys: ({ data }: CloudEvent<OrderTopic>) => ({ shipments: [data.order_id] }),
    decide: ({ shipments }, { data }) => decide(shipments.get(data.order_id) ?? blankShipment(data.order_id), data),
  };
}
