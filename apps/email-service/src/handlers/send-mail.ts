import type { EffectHandler } from '@order-events/messaging';
import { sendAnswered, type EmailTables, type SendAnswer, type SendInput } from '../domain';
import { messageIdOf, type Mailer } from '../mail/mailer';
import { render } from '../mail/render';

/** Renders and sends one mail, under a Message-ID that is the same however often it is sent. */
export function sendMail(mailer: Mailer): EffectHandler<EmailTables, SendInput, SendAnswer> {
  return {
    ...sendAnswered,
    call: (mail, { signal }) => {
      const messageId = messageIdOf(mail.order_id, mail.type);
      return mailer.send({ messageId, to: mail.recipient, ...render(mail) }, { signal });
    },
  };
}
