import type { Message } from '@order-events/messaging';
import { eventually, member, sharedBroker } from '@order-events/testing';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { NatsTransport, type NatsTransportOptions } from '../src/transport';

/** A server for one test: transports and other clients, which end with the test, and what the transports tell. */
export class TestServer {
  readonly errors: Error[] = [];
  private readonly transports: NatsTransport[] = [];
  private readonly bystanders: NatsConnection[] = [];

  constructor(
    readonly url: string,
    readonly prefix: string,
  ) {}

  /** The one that all tests share, with a prefix of its own. */
  static async shared(): Promise<TestServer> {
    const { env } = await sharedBroker('nats');
    return new TestServer(env.NATS_URL!, env.TOPIC_PREFIX!);
  }

  /** The name of a stream or a group on the server. */
  name(name: string): string {
    return `${this.prefix.replace('.', '%2E')}${name}`;
  }

  get stream(): string {
    return this.name('ORDER_EVENTS');
  }

  open(url = this.url, tls?: NatsTransportOptions['tls']): NatsTransport {
    const onError = (error: Error) => void this.errors.push(error);
    const transport = new NatsTransport({ url, tls, applicationName: 'test', prefix: this.prefix, onError });
    this.transports.push(transport);
    return transport;
  }

  /** A transport, and topics that the group g consumes. */
  async declared(...topics: string[]): Promise<NatsTransport> {
    const transport = this.open();
    await transport.declare((topics.length ? topics : ['things']).map((topic) => ({ topic, groups: ['g'] })));
    return transport;
  }

  /** A client that is none of ours. */
  async bystander(): Promise<NatsConnection> {
    const connection = await connect({ servers: this.url.slice('nats://'.length) });
    this.bystanders.push(connection);
    return connection;
  }

  async jetstreamManager(): Promise<JetStreamManager> {
    return (await this.bystander()).jetstreamManager();
  }

  told(words: string): boolean {
    return this.errors.some(({ message }) => message.includes(words));
  }

  async closeTransports(): Promise<void> {
    await Promise.all(this.transports.splice(0).map((transport) => transport.close()));
  }

  async endTest(): Promise<void> {
    await this.closeTransports();
    await Promise.all(this.bystanders.map((connection) => connection.close()));
  }
}

/** All that waits for the group, once each delivery is handled. */
export async function drained(transport: NatsTransport, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  const subscription = await member(transport, (batch) => Promise.resolve(void messages.push(...batch)));
  await eventually(() => messages.length >= count);
  await subscription.close();
  expect(await transport.backlog('g')).toBe(0);
  return messages;
}
