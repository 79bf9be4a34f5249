import type {
  Capabilities,
  Message,
  Settlement,
  Subscribe,
  Subscription,
  TopicDeclaration,
  Transport,
} from '@order-events/messaging';
import { Connection, type ConnectionSettings } from './connection';
import { Consumer } from './consumer';
import { Publisher } from './publisher';
import { Topology } from './topology';
import { MAX_BYTES } from './wire';

/** Some dozens of requests, and each new queue is agreed upon by its members: several setups may do so at once. */
const DECLARE_MS = 60_000;
/** Of the protocol: there is no such queue. */
const NOT_FOUND = 404;

export interface RabbitmqTransportOptions extends ConnectionSettings {
  /** Goes before the names of the exchange, of topics and of groups. */
  prefix: string;
}

/** Events through one topic exchange, with a quorum queue for each group. */
export class RabbitmqTransport implements Transport {
  readonly name = 'rabbitmq';
  readonly capabilities: Capabilities = { order: 'none', maxBytes: MAX_BYTES, unseenHands: true };
  private readonly topology: Topology;
  /** The broker stops reading from a connection that publishes when it is short of memory or disk: not from the other. */
  private readonly publishing: Connection;
  private readonly consuming: Connection;
  private readonly publisher: Publisher;
  private readonly members = new Map<Consumer, string | null>();

  constructor(private readonly options: RabbitmqTransportOptions) {
    this.topology = new Topology(options.prefix);
    this.publishing = new Connection(options, 'publishes');
    this.consuming = new Connection(options, 'consumes');
    this.publisher = new Publisher(this.publishing, this.topology);
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    await this.consuming.use((channel, { model }) => this.topology.declare(channel, model, topics), DECLARE_MS);
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    return this.publisher.publish(batch);
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { consuming: connection, topology, options, members } = this;
    const consumer = new Consumer({ ...subscribe, connection, topology, onError: options.onError });
    members.set(consumer, subscribe.group);
    await consumer.started;
    return {
      close: async () => {
        await consumer.close();
        members.delete(consumer);
      },
    };
  }

  /** The broker tells what waits; what other processes have in hand it tells nobody over AMQP. */
  async backlog(group: string): Promise<number> {
    const { messageCount } = await this.consuming.use((channel) => channel.checkQueue(this.topology.queue(group)));
    const ours = [...this.members].filter(([, name]) => name === group);
    return ours.reduce((sum, [member]) => sum + member.inHand, messageCount);
  }

  async isConsumed(group: string): Promise<boolean> {
    try {
      const queue = await this.consuming.use((channel) => channel.checkQueue(this.topology.queue(group)));
      return queue.consumerCount > 0;
    } catch (error) {
      if ((error as { code?: number }).code === NOT_FOUND) return false;
      throw error;
    }
  }

  async ping(): Promise<void> {
    await this.consuming.use(() => Promise.resolve());
  }

  async close(): Promise<void> {
    await Promise.all([this.publishing.close(), this.consuming.close()]);
  }
}
