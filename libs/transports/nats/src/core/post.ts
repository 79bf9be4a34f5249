import { createInbox, Events, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import { Slip } from './slip';
import { readReceipt, receiptsOf } from './words';

export interface Letter {
  subject: string;
  headers: MsgHdrs;
  body: Uint8Array;
  /** Those that are to say that they have it. */
  groups: Iterable<string>;
}

/** What goes out on one connection, and what comes back about it. */
export class Post {
  private readonly inbox = createInbox();
  private readonly open = new Map<string, Slip>();
  private readonly flushes = new Set<(error: Error) => void>();
  private sent = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly onError: (error: Error) => void,
  ) {
    connection.subscribe(`${this.inbox}.>`, {
      callback: (error, msg) => (error ? this.fail(error) : this.receive(msg)),
    });
    void connection
      .closed()
      .then((reason) => this.fail(new Error(`the connection to NATS was lost: ${reason ? reason.message : 'closed'}`)));
    void this.watch();
  }

  /** To be forgotten when it is of no interest any more. Throws when the client does not send it. */
  send({ subject, headers, body, groups }: Letter): Slip {
    const reply = receiptsOf(this.inbox, ++this.sent);
    this.connection.publish(subject, body, { headers, reply });
    const slip = new Slip(subject, groups);
    this.open.set(reply, slip);
    return slip;
  }

  forget(slips: readonly Slip[]): void {
    const forgotten = new Set(slips);
    for (const [reply, slip] of this.open) if (forgotten.has(slip)) this.open.delete(reply);
  }

  /** Resolves when the server has worked at all that was sent, and what it has to say against it has come. */
  flush(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.flushes.add(reject);
      void this.connection
        .flush()
        .then(resolve, reject)
        .finally(() => this.flushes.delete(reject));
    });
  }

  private receive(msg: Msg): void {
    const slip = this.open.get(msg.subject);
    const receipt = readReceipt(msg);
    if (receipt) slip?.hear(receipt.group, receipt.word);
  }

  /** The client leaves who waits for the server's pong waiting when the connection ends. */
  private fail(error: Error): void {
    for (const slip of this.open.values()) slip.fail(error);
    for (const reject of this.flushes) reject(error);
  }

  /** The server says that something was not permitted, and not to whom. */
  private async watch(): Promise<void> {
    for await (const { type, permissionContext } of this.connection.status()) {
      if (type !== Events.Error || permissionContext?.operation !== 'publish') continue;
      const { subject } = permissionContext;
      const problem = `NATS does not permit publishing to ${subject}`;
      this.onError(new Error(problem));
      for (const slip of this.open.values()) if (slip.subject === subject) slip.refuse(problem);
    }
  }
}
