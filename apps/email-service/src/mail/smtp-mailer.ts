import { createTransport } from 'nodemailer';
import type { SendAnswer } from '../domain';
import type { Mailer, OutgoingMail } from './mailer';

/** One address and nothing beside it: no list, no display name, no line break that would begin a header of its own. */
const oneAddress = /^[^\s\p{Cc}@<>()[\]\\,;:"]{1,64}@[^\s\p{Cc}@<>()[\]\\,;:"]{1,255}$/u;

export interface SmtpMailerOptions {
  /** `smtp://user:password@host:port`, or `smtps://…` for TLS from the start. */
  url: string;
  /** `address` or `name <address>`. */
  from: string;
  /** Most mails under way at the same time. More than these spend the time of their calls with waiting. */
  connections?: number;
  /**
   * How long the server may say nothing, milliseconds. It tells in which step the server was silent; what bounds a call as
   * a whole, also with a server that says a little now and then, is its signal.
   */
  timeoutMs?: number;
}

export class SmtpMailer implements Mailer {
  private readonly transport;
  private readonly from: string;

  constructor({ url, from, connections = 5, timeoutMs = 10_000 }: SmtpMailerOptions) {
    this.from = from;
    this.transport = createTransport({
      pool: true,
      url,
      maxConnections: connections,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Sending again is up to who decided to send.
      maxRequeues: 0,
      // Bodies and addresses come from users: they must not make the mailer read files or fetch pages.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  async send(mail: OutgoingMail, { signal }: { signal: AbortSignal }): Promise<SendAnswer> {
    if (!oneAddress.test(mail.to)) return { outcome: 'refused', reason: 'invalid_address' };
    try {
      await this.transport.sendMail({ ...mail, from: this.from, to: { name: '', address: mail.to }, signal });
      return { outcome: 'sent' };
    } catch (error) {
      if (isRefusal(error as SmtpError)) return { outcome: 'refused', reason: reasonOf(error as SmtpError) };
      throw error;
    }
  }

  /** Closes the connections; what is being sent is finished first. */
  close(): void {
    this.transport.close();
  }
}

type SmtpError = Error & { responseCode?: number; response?: string; command?: string };

/** A 5xx for this recipient or this mail. One for the greeting or the login is about us, and a matter of settings. */
function isRefusal({ responseCode = 0, command }: SmtpError): boolean {
  return responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA');
}

/** What the server said, such as `550 No such mailbox`: on one line, and nothing in it that a database cannot keep. */
function reasonOf({ response = '' }: SmtpError): string {
  return response
    .slice(0, 500)
    .replace(/[\s\p{Cc}\p{Cs}]+/gu, ' ')
    .trim();
}
