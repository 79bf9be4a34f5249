import { randomUUID } from 'node:crypto';
import type { Message, Subscribe, Subscription, Transport } from '@order-events/messaging';
import { eventually } from '../eventually';
import { Gate } from '../gate';
import { member, numbered, type Seen } from '../transport-load';

export interface TransportUnderTest {
  /** A new connection to the same broker, as another process would have. */
  connect(): Transport;
  /** Puts the bytes on the topic past the transport, as a program of others does. Resolves when the broker has them. */
  put(topic: string, body: Uint8Array): Promise<void>;
  /** The broker takes no empty body from anybody. */
  refusesEmpty?: true;
  /** After so long without a sign of life of who has it in hand a message is anybody's. Not given: only when that one is gone. */
  claimMs?: number;
  close(): Promise<void>;
}

/** What one test has to itself: a topic, two groups of it, and what it opens, which is closed with it. */
export class Bench {
  readonly topic = `topic.${randomUUID()}`;
  readonly group = `g-${randomUUID()}`;
  readonly otherGroup = `h-${randomUUID()}`;
  private readonly transports: Transport[] = [];
  private readonly subscriptions: Subscription[] = [];
  private readonly endings: (() => void)[] = [];

  constructor(readonly test: TransportUnderTest) {}

  connect(): Transport {
    const transport = this.test.connect();
    this.transports.push(transport);
    return transport;
  }

  /** Does it when the test has ended, be it by a failure, and before anything is closed. */
  atEnd(ending: () => void): void {
    this.endings.push(ending);
  }

  /** Open at the end of the test at the latest: a call that lasts for ever would never let its member close. */
  gate(): Gate {
    const gate = new Gate();
    this.atEnd(gate.open);
    return gate;
  }

  async declare(groups: readonly string[], topic = this.topic): Promise<void> {
    await this.connect().declare([{ topic, groups }]);
  }

  /** A member of the group, unless it is said otherwise. */
  async subscribe(
    transport: Transport,
    handle: Subscribe['handle'],
    more: Partial<Subscribe> = {},
  ): Promise<Subscription> {
    const defaults = { group: this.group, topics: [this.topic], batch: 100, waitMs: 5, inFlight: 1000, parallel: 4 };
    const subscription = await member(transport, handle, { ...defaults, ...more });
    this.subscriptions.push(subscription);
    return subscription;
  }

  /** So many messages from that number on, dealt out to so many keys. */
  messages(from: number, count: number, keys: number): Message[] {
    return Array.from({ length: count }, (_, i) => ({
      ...numbered(from + i),
      topic: this.topic,
      key: `key-${(from + i) % keys}`,
    }));
  }

  async publish(transport: Transport, messages: readonly Message[]): Promise<void> {
    expect(await transport.publish(messages)).toEqual(messages.map(() => ({ stored: true })));
  }

  /** Publishes, and only then subscribes: what waits is found. The other way round where nothing waits. */
  async publishAndSubscribe(
    transport: Transport,
    messages: readonly Message[],
    handle: Subscribe['handle'],
    more: Partial<Subscribe> = {},
  ): Promise<Subscription> {
    const { fleeting } = transport.capabilities;
    if (!fleeting) await this.publish(transport, messages);
    const subscription = await this.subscribe(transport, handle, more);
    if (fleeting) await this.publish(transport, messages);
    return subscription;
  }

  /**
   * Publishes until both members of the group have got something, and all of it has arrived.
   * @returns how many were published
   */
  async untilShared(publisher: Transport, first: Seen, second: Seen, atOnce = 200): Promise<number> {
    let sent = 0;
    const arrived = () => new Set([...first.numbers, ...second.numbers]).size;
    while (first.distinct === 0 || second.distinct === 0) {
      await this.publish(publisher, this.messages(sent, atOnce, atOnce));
      sent += atOnce;
      await eventually(() => arrived() === sent);
    }
    return sent;
  }

  /** Whether anything waits for the group or is in anybody's hands, of which only the connection that it came by may know. */
  async isAnythingLeft(): Promise<boolean> {
    for (const transport of this.transports) if ((await transport.backlog(this.group)) > 0) return true;
    return false;
  }

  async close(): Promise<void> {
    for (const ending of this.endings) ending();
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()));
    await Promise.all(this.transports.map((transport) => transport.close()));
  }
}

export const numberOf = (message: Message): number => Number(message.headers['number']);
