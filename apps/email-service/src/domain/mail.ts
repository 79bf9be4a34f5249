import type { EventData } from '@order-events/contracts';

/** The event that calls for each mail. */
export interface News {
  received: 'order.created';
  confirmed: 'order.confirmed';
  completed: 'order.completed';
  cancelled: 'order.cancelled';
}
export type MailType = keyof News;

/** What a mail is made from: its type, and the order as the event told of it. */
export type Mail<T extends MailType = MailType> = { [K in T]: { type: K; order: EventData<News[K]> } }[T];
