import { randomUUID } from 'node:crypto';
import type { Compression, Subscribe, Subscription } from '@order-events/messaging';
import { member, sharedBroker } from '@order-events/testing';
import { KafkaTransport } from '../src/transport';

/** What one test has on a broker, under names of its own, and what its transports complain of. */
export class TestKafka {
  readonly prefix = `${randomUUID()}.`;
  readonly errors: Error[] = [];
  /** The groups that members were told to be out of. */
  readonly removed: string[] = [];
  private readonly transports: KafkaTransport[] = [];
  private readonly subscriptions: Subscription[] = [];

  constructor(readonly brokers: string) {}

  static async shared(): Promise<TestKafka> {
    const { env } = await sharedBroker('kafka');
    return new TestKafka(env.KAFKA_BROKERS!);
  }

  open(brokers = this.brokers, compression?: Compression): KafkaTransport {
    const onError = (error: Error) => void this.errors.push(error);
    const onRemoved = (groupId: string) => void this.removed.push(groupId);
    const options = { brokers, compression, applicationName: 'test', prefix: this.prefix };
    const transport = new KafkaTransport({ ...options, onError, onRemoved });
    this.transports.push(transport);
    return transport;
  }

  /** A transport, and topics that the group g consumes: `things` when none is named. */
  async declared(...topics: string[]): Promise<KafkaTransport> {
    const transport = this.open();
    await transport.declare((topics.length > 0 ? topics : ['things']).map((topic) => ({ topic, groups: ['g'] })));
    return transport;
  }

  /** A member on a transport of its own. */
  async subscribe(handle: Subscribe['handle'], more: Partial<Subscribe> = {}): Promise<Subscription> {
    const subscription = await member(this.open(), handle, more);
    this.subscriptions.push(subscription);
    return subscription;
  }

  told(words: string): boolean {
    return this.errors.some(({ message }) => message.includes(words));
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()));
    await Promise.all(this.transports.map((transport) => transport.close()));
  }
}
