import { createInbox, nanos, type Msg, type NatsConnection } from 'nats';

export interface PullOptions {
  /** The subject on which the consumer takes requests for messages. */
  subject: string;
  /** How many more messages may come. */
  room(): number;
  take(msg: Msg): void;
}

/** A request of a member that is gone unseen takes messages for as long as this. */
const EXPIRES_MS = 10_000;
const HEARTBEAT_MS = 3_000;

/** Asks a consumer for messages, on one connection, and never for more than there is room for. */
export class Pull {
  /** Rejects when the consumer has ended or has fallen silent; resolves with `close`, or when the connection has ended. */
  readonly ended: Promise<void>;
  private readonly inbox = createInbox();
  private readonly subscription;
  private readonly watch: NodeJS.Timeout;
  private end!: () => void;
  private fail!: (error: Error) => void;
  /** Asked for and not yet come. */
  private open = 0;
  private heard = performance.now();

  constructor(
    private readonly connection: NatsConnection,
    private readonly options: PullOptions,
  ) {
    this.ended = new Promise((resolve, reject) => ([this.end, this.fail] = [resolve, reject]));
    this.subscription = connection.subscribe(this.inbox, {
      callback: (error, msg) => (error ? this.fail(error) : this.receive(msg)),
    });
    void connection.closed().then(() => this.end());
    this.watch = setInterval(() => this.listen(), HEARTBEAT_MS);
    this.more();
  }

  /** To be called when there is more room. */
  more(): void {
    const wanted = this.options.room() - this.open;
    // Not one request for each message that was acknowledged.
    if (wanted <= 0 || wanted < this.open || this.connection.isClosed()) return;
    if (this.open === 0) this.heard = performance.now();
    this.open += wanted;
    const request = { batch: wanted, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    this.connection.publish(this.options.subject, JSON.stringify(request), { reply: this.inbox });
  }

  /** Wants no more. What is on its way still comes before this resolves. */
  async close(): Promise<void> {
    clearInterval(this.watch);
    if (!this.connection.isClosed()) await Promise.race([this.subscription.drain(), this.connection.closed()]);
    this.end();
  }

  private receive(msg: Msg): void {
    this.heard = performance.now();
    if (msg.subject !== this.inbox) {
      this.open--;
      this.options.take(msg);
    } else if (msg.headers?.code === 408) {
      this.open -= Number(msg.headers.get('Nats-Pending-Messages'));
    } else if (msg.headers?.code !== 100) {
      this.fail(new Error(`NATS delivers no more: ${msg.headers?.status}`));
      return;
    }
    this.more();
  }

  private listen(): void {
    if (this.open > 0 && performance.now() - this.heard > 3 * HEARTBEAT_MS)
      this.fail(new Error('NATS delivers nothing and sends no sign of life'));
  }
}
