import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { privateBroker, type PrivateBroker } from '@order-events/testing';
import { RabbitmqTransport } from '../src/transport';

/** A broker for the tests of one file; each test gets names of its own. */
export class TestBroker {
  private readonly transports: RabbitmqTransport[] = [];
  private tests = 0;
  errors: Error[] = [];

  private constructor(readonly broker: PrivateBroker) {}

  static async start(): Promise<TestBroker> {
    return new TestBroker(await privateBroker('rabbitmq'));
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

  /** A transport, and a topic that the group g consumes. */
  async declared(): Promise<RabbitmqTransport> {
    const transport = this.open();
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
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
    await Promise.all(this.transports.splice(0).map((transport) => transport.close()));
    this.errors = [];
    this.tests++;
  }

  async remove(): Promise<void> {
    await this.broker.remove();
  }
}
