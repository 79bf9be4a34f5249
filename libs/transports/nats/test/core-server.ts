import { sharedBroker } from '@order-events/testing';
import { connect, type NatsConnection } from 'nats';
import { KnownTopology } from '../src/core/topology';
import { CoreNatsTransport } from '../src/core/transport';

/** A server for one test, of which nothing but its core is used; likewise what `TestServer` has. */
export class CoreServer {
  readonly errors: Error[] = [];
  private readonly topology = new KnownTopology([{ topic: 'things', groups: ['g'] }]);
  private readonly transports: CoreNatsTransport[] = [];
  private readonly bystanders: NatsConnection[] = [];

  constructor(
    readonly url: string,
    readonly prefix: string,
  ) {}

  /** The one that all tests share, with a prefix of its own. */
  static async shared(): Promise<CoreServer> {
    const { env } = await sharedBroker('nats');
    return new CoreServer(env.NATS_URL!, env.TOPIC_PREFIX!);
  }

  /** A transport that knows of the group g of `things`, and of what others here have declared. */
  open(url = this.url): CoreNatsTransport {
    const { prefix, topology } = this;
    const onError = (error: Error) => void this.errors.push(error);
    const transport = new CoreNatsTransport({ url, prefix, topology, applicationName: 'test', onError });
    this.transports.push(transport);
    return transport;
  }

  /** A client that is none of ours. */
  async bystander(): Promise<NatsConnection> {
    const connection = await connect({ servers: this.url.slice('nats://'.length) });
    this.bystanders.push(connection);
    return connection;
  }

  /** The queue of the group g. */
  get queue(): string {
    return `${this.prefix.replace('.', '%2E')}g`;
  }

  /** On which its members are asked who they are. */
  get members(): string {
    return `${this.prefix}$members.${this.queue}`;
  }

  told(words: string): boolean {
    return this.errors.some(({ message }) => message.includes(words));
  }

  async endTest(): Promise<void> {
    await Promise.all(this.transports.splice(0).map((transport) => transport.close()));
    await Promise.all(this.bystanders.map((connection) => connection.close()));
  }
}
