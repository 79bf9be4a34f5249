import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { StoreError } from '@order-events/messaging';
import type { Logger } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { storeMail } from './mails';

const maxBytes = 10_000_000;

/** An answer that refuses: 5xx for good, 4xx for now. */
class Refusal extends Error {
  constructor(
    readonly responseCode: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * An SMTP server that keeps every mail instead of delivering it. It says 250 only after the mail is committed.
 * The local part of an address chooses a misfortune: `reject` is refused for good, `later` once for now.
 */
export function mailCatcher(database: Database, log: Logger): SMTPServer {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    size: maxBytes,
    closeTimeout: 1_000,
    onRcptTo({ address }, _session, done) {
      done(isFor('reject', address) ? new Refusal(550, 'No such mailbox here') : null);
    },
    onData(stream, session, done) {
      receive(stream, session).then(
        () => done(null, 'Stored'),
        (error: Error) => done(asRefusal(error)),
      );
    },
  });
  // Connections that break, and clients that speak something else: their own misfortune.
  server.on('error', (error) => log.warn({ err: error }, 'SMTP connection failed'));
  return server;

  async function receive(stream: SMTPServerDataStream, { envelope }: SMTPServerSession): Promise<void> {
    const raw = await buffer(stream);
    if (stream.sizeExceeded) throw new Refusal(552, `A mail may have ${maxBytes} bytes`);
    const { messageId, subject = '', text = null, html = null } = await PostalMime.parse(raw);
    if (!messageId) throw new Refusal(554, 'A mail needs a Message-ID, which its copies are recognised by');
    const recipients = envelope.rcptTo.map(({ address }) => address);
    const mail = {
      message_id: messageId,
      order_id: orderOf(messageId),
      recipient: recipients.join(', '),
      subject,
      text,
      html,
    };
    const copies = await storeMail(
      database,
      mail,
      recipients.some((address) => isFor('later', address)),
    );
    if (copies === 0) throw new Refusal(451, 'Not now, come again');
  }

  function asRefusal(error: Error): Refusal {
    if (error instanceof Refusal) return error;
    if (error instanceof StoreError && error.kind !== 'rejected') {
      log.warn(error.message);
      return new Refusal(451, 'The mail cannot be stored right now');
    }
    log.error({ err: error }, 'A mail was not stored');
    return new Refusal(554, 'The mail cannot be stored');
  }
}

/** Takes no new connections, and cuts those that do not end soon. */
export function closeMailCatcher(server: SMTPServer): Promise<void> {
  return new Promise((closed) => server.close(() => closed()));
}

function isFor(localPart: string, address: string): boolean {
  return address.toLowerCase().startsWith(`${localPart}@`);
}

/** A Message-ID about an order is `<order_id.type@…>`. */
function orderOf(messageId: string): string | null {
  return /^<(.+)\.[a-z]+@/.exec(messageId)?.[1] ?? null;
}
