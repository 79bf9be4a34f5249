import type {
  Capabilities,
  Compression,
  Message,
  Settlement,
  Subscribe,
  Subscription,
  TopicDeclaration,
  Transport,
} from '@order-events/messaging';
import { CompressionTypes } from 'kafkajs';
import type { ClientSettings } from './client';
import { Consumer } from './consumer';
import { Publisher } from './publisher';
import { Topology } from './topology';

export interface KafkaTransportOptions extends ClientSettings {
  /** Goes before the names of topics and groups. */
  prefix: string;
  /** How batches are packed; gzip by default. */
  compression?: Compression;
  /** Something failed in the background and is tried again, or the client says that it is. */
  onError(error: Error): void;
  /** A member of ours was taken out of its group and joins again by itself; without this it is an error. */
  onRemoved?(groupId: string): void;
}

const packings = { gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy };

/** Events through Kafka: a topic for each type, a consumer group for each service. */
export class KafkaTransport implements Transport {
  readonly name = 'kafka';
  readonly capabilities: Capabilities = {
    // A partition keeps its order, and one order's events are of several topics.
    order: 'none',
    maxBytes: 1_000_000,
  };
  private readonly topology: Topology;
  private readonly publisher: Publisher;

  constructor(private readonly options: KafkaTransportOptions) {
    this.topology = new Topology(options);
    const { prefix, compression = 'gzip' } = options;
    this.publisher = new Publisher(options, prefix, packings[compression]);
  }

  declare(topics: readonly TopicDeclaration[]): Promise<void> {
    return this.topology.declare(topics);
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    return this.publisher.publish(batch);
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { topology, options } = this;
    const { onError, onRemoved } = options;
    const consumer = new Consumer({ ...subscribe, topology, settings: options, onError, onRemoved });
    if (subscribe.group === null) await consumer.ready;
    return consumer;
  }

  backlog(group: string): Promise<number> {
    return this.topology.backlog(group);
  }

  isConsumed(group: string): Promise<boolean> {
    return this.topology.isConsumed(group);
  }

  release(group: string, processes: readonly string[]): Promise<void> {
    return this.topology.release(group, processes);
  }

  ping(): Promise<void> {
    return this.topology.ping();
  }

  async close(): Promise<void> {
    await this.publisher.close();
    await this.topology.close();
  }
}
