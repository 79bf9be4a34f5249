import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { addressesIn, FaultProxy, privateBroker, type PrivateBroker } from '@order-events/testing';
import { RabbitmqTransport } from '../src/transport';

/** A broker for the tests of one file, with a way through a bad network; each test gets names of its own. */
export class TestBroker {
  private readonly transports: RabbitmqTransport[] = [];
  private tests = 0;
  errors: Error[] = [];

  private constructor(
    readonly broker: PrivateBroker,
    readonly proxy: FaultProxy,
  ) {}

  static async start(): Promise<TestBroker> {
    const broker = await privateBroker('rabbitmq');
    return new TestBroker(broker, await FaultProxy.to(addressesIn(broker.env.AMQP_URL!)[0]!));
  }

  get url(): string {
    return this.broker.env.AMQP_URL!;
  }

  get prefix(): string {
    return `test${this.tests}.`;
  }

  open(url = this.url): RabbitmqTransport {
    const onError = (error: Error) => void this.errors.push(error);
    const transport = new RabbitmqTransport({ url, applicationName: 'test', prefix: this.prefix, onError });
    this.transports.push(transport);
    return transport;
  }

  throughProxy(): RabbitmqTransport {
    return this.open(`amqp://guest:guest@127.0.0.1:${this.proxy.port}`);
  }

  /** A transport, and a topic that the group g consumes. */
  async declared(): Promise<RabbitmqTransport> {
    const transport = this.open();
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    // RabbitMQ 3.10 forgets a quorum queue, and all that is in it, when it is killed within half a second of declaring it.
    await this.ctl('eval', 'dets:sync(ra_directory_reverse).');
    return transport;
  }

  told(words: string): boolean {
    return this.errors.some(({ message }) => message.includes(words));
  }

  /** To the broker's own command. */
  async ctl(...words: string[]): Promise<string> {
    const environment = readFileSync(`/proc/${this.broker.pids['rabbitmq']}/environ`, 'utf8').split('\0');
    const env = Object.fromEntries(environment.map((line) => line.split(/=(.*)/s) as [string, string]));
    const { stdout } = await promisify(execFile)('/usr/lib/rabbitmq/bin/rabbitmqctl', words, { env });
    return stdout;
  }

  async endTest(): Promise<void> {
    await this.proxy.heal();
    await Promise.all(this.transports.splice(0).map((transport) => transport.close()));
    this.errors = [];
    this.tests++;
  }

  async remove(): Promise<void> {
    await this.proxy.close();
    await this.broker.remove();
  }
}
