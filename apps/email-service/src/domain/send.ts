import type { EffectHandler, NewEffect } from '@order-events/messaging';
import type { Mail, MailType } from './mail';
import { blankMails, type EmailTables } from './tables';

/** What is asked of the mail server. */
export type SendInput<T extends MailType = MailType> = Mail<T> & { order_id: string; recipient: string };

/** What the mail server answers for certain. */
export type SendAnswer = { outcome: 'sent' } | { outcome: 'refused'; reason: string };

export function sendMail<T extends MailType>(mail: Mail<T>, recipient: string): NewEffect {
  const { order_id } = mail.order;
  // A mail has no use for the token, and effects are kept; JSON leaves out what is undefined.
  const input: SendInput<T> = { ...mail, order_id, recipient, order: { ...mail.order, payment_token: undefined } };
  return { kind: 'mail.send', key: order_id, idempotencyKey: `${order_id}.${mail.type}`, input };
}

/** The effect's handler but for the call. */
export const sendAnswered: Omit<EffectHandler<EmailTables, SendInput, SendAnswer>, 'call'> = {
  kind: 'mail.send',
  keys: ({ order_id }) => ({ mails: [order_id] }),
  decide({ mails }, { order_id, type }, answer) {
    const before = mails.get(order_id) ?? blankMails(order_id);
    if (before[type] !== 'queued') return {};
    const refused = answer.outcome === 'refused' && { refusals: { ...before.refusals, [type]: answer.reason } };
    return { rows: { mails: [{ ...before, version: before.version + 1, [type]: answer.outcome, ...refused }] } };
  },
};
