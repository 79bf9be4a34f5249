import { idOfBytes, type Message } from '@order-events/messaging';
import { readBareOrder, type ForeignOrder } from './bare-order';

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
}

/** @param message with the address for a topic */
export function arrivalOf(message: Message, tries?: number): Arrival {
  return {
    id: idOfBytes(message),
    source: message.topic,
    message,
    order: readBareOrder(message.body),
    attempts: tries ?? 0,
    again: tries !== undefined,
  };
}

/** What became of one. Of a dead letter, why; `known`: these bytes are one already, or were given up. */
export interface Outcome {
  arrival: Arrival;
  state: 'applied' | 'duplicate' | 'known' | 'dead';
  error?: string;
}
