import { addressesIn, FaultProxy, privateBroker, type PrivateBroker } from '@order-events/testing';
import { NsqTransport } from '../src/transport';

/** Two nsqds and a nsqlookupd for one test, and a way through a bad network to the first nsqd. */
export class TestCluster {
  readonly errors: Error[] = [];
  private readonly transports: NsqTransport[] = [];

  private constructor(
    readonly broker: PrivateBroker,
    readonly proxy: FaultProxy,
  ) {}

  static async start(): Promise<TestCluster> {
    const broker = await privateBroker('nsq');
    return new TestCluster(broker, await FaultProxy.to(addressesIn(broker.env.NSQD_ADDRESSES!)[0]!));
  }

  get lookup(): string {
    return this.broker.env.NSQLOOKUPD_ADDRESSES!;
  }

  /** The address of the first nsqd, or of the second. */
  nsqd(number: number): string {
    return this.broker.env.NSQD_ADDRESSES!.split(',')[number - 1]!;
  }

  open(nsqdAddresses = this.broker.env.NSQD_ADDRESSES!, nsqlookupdAddresses = this.lookup): NsqTransport {
    const onError = (error: Error) => void this.errors.push(error);
    const addresses = { nsqdAddresses, nsqlookupdAddresses };
    const transport = new NsqTransport({ ...addresses, applicationName: 'test', prefix: 'test.', onError });
    this.transports.push(transport);
    return transport;
  }

  /** To the first nsqd, which is the only one that it knows. */
  throughProxy(): NsqTransport {
    return this.open(`127.0.0.1:${this.proxy.port}`, '');
  }

  /** A transport, and a topic that the groups consume. */
  async declared(groups = ['g']): Promise<NsqTransport> {
    const transport = this.open();
    await transport.declare([{ topic: 'things', groups }]);
    return transport;
  }

  told(text: string | RegExp): boolean {
    return this.errors.some(({ message }) => message.match(text));
  }

  /** Of a nsqd's HTTP side. */
  async request(number: number, path: string, method = 'GET'): Promise<string> {
    const { port } = addressesIn(this.nsqd(number))[0]!;
    const response = await fetch(`http://${this.lookup}/nodes`);
    const { producers } = (await response.json()) as { producers: { tcp_port: number; http_port: number }[] };
    const { http_port } = producers.find(({ tcp_port }) => tcp_port === port)!;
    return (await fetch(`http://127.0.0.1:${http_port}${path}`, { method })).text();
  }

  async closeTransports(): Promise<void> {
    await Promise.all(this.transports.splice(0).map((transport) => transport.close()));
  }

  async remove(): Promise<void> {
    await this.proxy.heal();
    await this.closeTransports();
    await this.proxy.close();
    await this.broker.remove();
  }
}
