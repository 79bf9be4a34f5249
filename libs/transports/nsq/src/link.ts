import { backoff, systemRuntime, type Message } from '@order-events/messaging';
import type { Message as Delivery } from 'nsqjs';
import { CLAIM_MS, Connection, type ConnectionSettings } from './connection';
import type { Node } from './nodes';

export interface LinkOptions extends ConnectionSettings {
  node: Node;
  /** As the message calls it, and as nsqd does. */
  topic: string;
  nsqTopic: string;
  channel: string;
  decode(topic: string, bytes: Buffer): Message;
  /** Is given each message once for as long as it is held, and settles it. */
  take(held: Held): void;
}

/** A message in our hands. */
export interface Held {
  key: string;
  message: Message;
  id: string;
  link: Link;
  /** The last one: nsqd hears only about this, and only on the connection on which it came. */
  delivery: Delivery;
  connection: Connection;
}

/** One topic's channel on one nsqd: connects to it again and again, and keeps the claim on what has come. */
export class Link {
  /** Resolves when the first attempt to connect has ended, well or not. */
  readonly tried: Promise<void>;
  private readonly stop = new AbortController();
  private readonly held = new Map<string, Held>();
  private readonly claim: NodeJS.Timeout;
  private readonly running: Promise<void>;
  private connection: Connection | undefined;
  private ready = 0;

  readonly node: Node;
  readonly nsqTopic: string;

  constructor(private readonly options: LinkOptions) {
    [this.node, this.nsqTopic] = [options.node, options.nsqTopic];
    let tried = () => {};
    this.tried = new Promise((resolve) => (tried = resolve));
    this.claim = setInterval(() => this.keep(), CLAIM_MS / 3);
    this.running = this.run(tried);
  }

  get isConnected(): boolean {
    return this.connection !== undefined;
  }

  /** At most so many messages of this link may be in our hands. */
  allow(count: number): void {
    this.ready = count;
    this.connection?.nsqd.setRdy(count);
  }

  finish(held: Held): void {
    this.held.delete(held.id);
    if (held.connection.isOver)
      this.options.onError(new Error('a message was handled, and comes again: its nsqd is gone'));
    else held.delivery.finish();
  }

  /** Resolves to those of which nsqd has shown that it knows; the others may come again. */
  async finishForCertain(some: readonly Held[]): Promise<Held[]> {
    const { connection } = this;
    for (const held of some) this.held.delete(held.id);
    const ours = some.filter((held) => held.connection === connection);
    const last = ours.at(-1);
    if (!connection || !last) return [];
    for (const { delivery } of ours) delivery.finish();
    const refused = await connection.refusedUntil(last.id);
    return ours.filter(({ id }) => !refused.has(id));
  }

  /** It comes again, to any member of the group. */
  giveBack(held: Held, delayMs: number): void {
    this.held.delete(held.id);
    held.delivery.requeue(delayMs, false);
  }

  /** Resolves when nothing more comes. What comes until then is given back. */
  async stopFetching(): Promise<void> {
    this.stop.abort();
    const { connection } = this;
    if (!connection) return;
    const stopped = new Promise<void>((resolve) =>
      // nsqjs keeps this answer to itself.
      connection.nsqd.conn?.on('data', (data: Buffer) => data.includes('CLOSE_WAIT') && resolve()),
    );
    connection.nsqd.write('CLS\n');
    await Promise.race([stopped, connection.ended]);
  }

  /** After all that was held has been settled. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.connection?.end();
    await this.running;
    clearInterval(this.claim);
  }

  private async run(tried: () => void): Promise<void> {
    const { node, nsqTopic, channel, onError } = this.options;
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted;) {
      const connection = Connection.reader(node, nsqTopic, channel, this.options);
      const abandon = () => connection.destroy(new Error('it is no longer needed'));
      signal.addEventListener('abort', abandon);
      try {
        connection.nsqd.on('message', (delivery: Delivery) => this.take(delivery, connection));
        await connection.ready;
        failures = 0;
        signal.removeEventListener('abort', abandon);
        this.connection = connection;
        this.allow(this.ready);
      } catch {
        // Its end tells the reason.
      }
      tried();
      const reason = await connection.ended;
      signal.removeEventListener('abort', abandon);
      this.connection = undefined;
      if (signal.aborted) return;
      onError(reason);
      await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 5_000), signal);
    }
  }

  private take(delivery: Delivery, connection: Connection): void {
    const { id } = delivery;
    const known = this.held.get(id);
    if (known) {
      // Its claim had ended, by a broken connection or nsqd's own limit. What is done with it goes on under the new one.
      Object.assign(known, { delivery, connection });
    } else if (this.stop.signal.aborted) {
      delivery.requeue(0, false);
    } else {
      const message = this.options.decode(this.options.topic, delivery.body);
      const held: Held = { key: message.key, message, id, link: this, delivery, connection };
      this.held.set(id, held);
      this.options.take(held);
    }
  }

  private keep(): void {
    for (const { delivery, connection } of this.held.values()) if (!connection.isOver) delivery.touch();
  }
}
