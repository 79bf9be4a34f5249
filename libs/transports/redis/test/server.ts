import { sharedBroker } from '@order-events/testing';
import { createClient } from 'redis';
import { RedisTransport } from '../src/transport';

/** A server for one test: transports and a plain client, which end with the test, and what the transports tell. */
export class TestServer {
  readonly errors: Error[] = [];
  private readonly transports: RedisTransport[] = [];
  private readonly client;

  constructor(
    readonly url: string,
    readonly prefix: string,
  ) {
    this.client = createClient({ url });
    this.client.on('error', () => undefined);
  }

  /** The one that all tests share, with a prefix of its own. */
  static async shared(): Promise<TestServer> {
    const { env } = await sharedBroker('redis');
    return new TestServer(env.REDIS_URL!, env.TOPIC_PREFIX!);
  }

  open(url = this.url): RedisTransport {
    const onError = (error: Error) => void this.errors.push(error);
    const transport = new RedisTransport({ url, applicationName: 'a test', prefix: this.prefix, onError });
    this.transports.push(transport);
    return transport;
  }

  /** A transport, and the topic `things` that the group g consumes. */
  async declared(): Promise<RedisTransport> {
    const transport = this.open();
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    return transport;
  }

  get stream(): string {
    return `${this.prefix}topic:things`;
  }

  /** What any client may say. */
  async say<T>(...words: string[]): Promise<T> {
    if (!this.client.isOpen) await this.client.connect();
    return this.client.sendCommand<T>(words);
  }

  told(words: string): boolean {
    return this.errors.some(({ message }) => message.includes(words));
  }

  async endTest(): Promise<void> {
    await Promise.all(this.transports.map((transport) => transport.close()));
    this.client.destroy();
  }
}
