import type { CloudEvent } from '@order-events/contracts';
import type { EventHandler } from '@order-events/messaging';
import type { MailType, News } from './mail';
import { sendMail } from './send';
import { blankMails, type EmailTables, type Mails } from './tables';

export const created = mailFor('order.created', 'received');
export const confirmed = mailFor('order.confirmed', 'confirmed');
export const completed = mailFor('order.completed', 'completed');
export const cancelled = mailFor('order.cancelled', 'cancelled');

/** Queues the mail that an event calls for: once, and only if there is somebody to read it and it is still news. */
function mailFor<T extends MailType>(topic: News[T], type: T): EventHandler<EmailTables, News[T]> {
  return {
    topic,
    keys: ({ data }: CloudEvent<News[T]>) => ({ mails: [data.order_id] }),
    decide({ mails }, { data }: CloudEvent<News[T]>) {
      const before = mails.get(data.order_id) ?? blankMails(data.order_id);
      if (before[type] !== null) return {};
      const recipient = data.email ?? null;
      const send = recipient !== null && !isOvertaken(before, type);
      const after = { ...before, version: before.version + 1, recipient, [type]: send ? 'queued' : 'skipped' };
      return { rows: { mails: [after] }, ...(send && { effects: [sendMail({ type, order: data }, recipient)] }) };
    },
  };
}

/** Nobody wants to read that an order was received after reading how it ended. */
function isOvertaken(mails: Mails, type: MailType): boolean {
  const isFinal = type === 'completed' || type === 'cancelled';
  return !isFinal && (mails.completed !== null || mails.cancelled !== null);
}
