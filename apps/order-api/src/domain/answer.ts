import type { EventData, Topic } from '@order-events/contracts';
import { DeadLetterError, type Decision, type EventHandler } from '@order-events/messaging';
import type { Order, OrderTables } from './tables';
import type { Cause } from './transitions';

type Decide<E extends Topic> = (order: Order, data: EventData<E>, cause: Cause) => Decision<OrderTables>;

/** A handler of what another service tells of an order. Of an order that does not exist nobody may tell anything. */
export function onReport<E extends Topic>(topic: E, decide: Decide<E>): EventHandler<OrderTables, E> {
  return {
    topic,
    keys: ({ data }) => ({ orders: [data.order_id] }),
    decide({ orders }, { data }) {
      const { order_id, ...detail } = data;
      const order = orders.get(order_id);
      if (!order) throw new DeadLetterError(`${topic} of order ${order_id}, which does not exist`);
      return decide(order, data, { event: topic, detail });
    },
  };
}

/** A handler of an answer that an order waits for. A cancelled order waits for none. */
export function onAnswer<E extends Topic>(topic: E, decide: Decide<E>): EventHandler<OrderTables, E> {
  return onReport(topic, (order, data, cause) => (order.status === 'cancelled' ? {} : decide(order, data, cause)));
}

/** Two services disagree about an order: nothing that can be decided here. */
export function contradiction({ order_id, status, inventory, payment }: Order, { event }: Cause): DeadLetterError {
  const known = [status, inventory, payment].filter((word) => word !== null).join(', ');
  return new DeadLetterError(`${event} contradicts order ${order_id}, which is ${known}`);
}
