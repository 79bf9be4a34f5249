import type { MailType, SendAnswer } from '../domain';

/** The way out for mails, as effects use it. */
export interface Mailer {
  /**
   * Hands a mail to the server. Resolves only with a definite answer; `refused` means that it will never be taken. Whatever
   * leaves open whether it was taken rejects, and is to be sent again with the same Message-ID.
   */
  send(mail: OutgoingMail, call: { signal: AbortSignal }): Promise<SendAnswer>;
}

export interface OutgoingMail {
  messageId: string;
  /** One address, without a display name. */
  to: string;
  subject: string;
  text: string;
  html: string;
}

/**
 * The same for every copy of a mail, so that whoever receives two knows them for one: its domain is no setting, which might
 * change between two copies.
 */
export function messageIdOf(order_id: string, type: MailType): string {
  return `<${order_id}.${type}@order-events.example>`;
}
