import {
  asDelivered,
  idOfBytes,
  processSpan,
  type Message,
  type Retry,
  type Span,
  type Tracer,
} from '@order-events/messaging';
import { readBareOrder, type ForeignOrder } from './bare-order';

/** The group in whose name orders from elsewhere are in the inbox. */
export const GROUP = 'bridge';

/** A message of other teams, as it came. */
export interface Arrival {
  /** Of its bytes and source. As a dead letter it goes by this, for another body with the same order id may be right. */
  id: string;
  /** The address at which it came in. */
  source: string;
  message: Message;
  order: ForeignOrder | string;
  /** Tries before this one. */
  attempts: number;
  /** Out of the inbox; else the broker delivers it. */
  again: boolean;
  /** Of this try. */
  span: Span;
}

/**
 * @param came with the address for a topic
 * @param before as what it was filed, when it comes out of the inbox
 */
export function arrivalOf(came: Message, tracer: Tracer, before?: Pick<Retry, 'id' | 'attempts'>): Arrival {
  const { id, attempts } = before ?? { id: idOfBytes(came), attempts: 0 };
  const message = before ? came : asDelivered(came);
  const order = readBareOrder(message);
  const key = typeof order === 'string' ? '' : order.order_id;
  const traceparent = message.headers['traceparent'];
  return {
    id,
    source: message.topic,
    message,
    order,
    attempts,
    again: before !== undefined,
    span: processSpan(tracer, GROUP, { id, topic: message.topic, key, traceparent, attempts }),
  };
}

/** What became of one. Of a dead letter, why; `known`: these bytes are one already, or were given up. */
export interface Outcome {
  arrival: Arrival;
  state: 'applied' | 'duplicate' | 'known' | 'dead';
  error?: string;
}
