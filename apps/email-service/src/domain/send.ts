import type { EventData } from '@order-events/contracts';
import type { EffectHandler, NewEffect } from '@order-events/messaging';
import { blankMails, type EmailTables, type MailType } from './tables';

type Told = 'order.created' | 'order.confirmed' | 'order.completed' | 'order.cancelled';

/** What is asked of the mail server. */
export interface SendInput {
  order_id: string;
  type: MailType;
  recipient: string;
  /** As its event told of it: with carrier and tracking number when completed, with the reason when cancelled. */
  order: EventData<Told>;
}

/** What the mail server answers for certain. */
export type SendAnswer = { outcome: 'sent' } | { outcome: 'refused'; reason: string };

export function sendMail(type: MailType, recipient: string, order: EventData<Told>): NewEffect {
  // A mail has no use for the token, and effects are kept.
  const { payment_token: _, ...told } = order;
  const { order_id } = order;
  const input: SendInput = { order_id, type, recipient, order: told };
  return { kind: 'mail.send', key: order_id, idempotencyKey: `${order_id}.${type}`, input };
}

/** The effect's handler but for the call. */
export const sendAnswered: Omit<EffectHandler<EmailTables, SendInput, SendAnswer>, 'call'> = {
  kind: 'mail.send',
  keys: ({ order_id }) => ({ mails: [order_id] }),
  decide({ mails }, { order_id, type }, { outcome }) {
    const before = mails.get(order_id) ?? blankMails(order_id);
    if (before[type] !== 'queued') return {};
    return { rows: { mails: [{ ...before, version: before.version + 1, [type]: outcome }] } };
  },
};
