import {
  systemRuntime,
  type Capabilities,
  type Message,
  type Runtime,
  type Settlement,
  type Subscribe,
  type Subscription,
  type TopicDeclaration,
  type Transport,
} from '@order-events/messaging';
import { MemoryGroup, type MemoryBroker } from './broker';
import { MemoryConsumer } from './consumer';

export interface MemoryTransportOptions {
  broker: MemoryBroker;
  /** A handler rejected; its batch is delivered again. */
  onError(error: Error): void;
  runtime?: Runtime;
}

/** Events within one process, for tests. Nothing survives the process. */
export class MemoryTransport implements Transport {
  readonly name = 'memory';
  readonly capabilities: Capabilities = { order: 'key', maxBytes: Infinity };
  private readonly broker: MemoryBroker;
  private readonly runtime: Runtime;

  constructor(private readonly options: MemoryTransportOptions) {
    this.broker = options.broker;
    this.runtime = options.runtime ?? systemRuntime;
  }

  declare(topics: readonly TopicDeclaration[]): Promise<void> {
    for (const { topic, groups } of topics) {
      this.broker.topics.add(topic);
      for (const group of groups) this.broker.group(group).topics.add(topic);
    }
    return Promise.resolve();
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    const known = batch.filter(({ topic }) => this.broker.topics.has(topic));
    this.broker.publish(known);
    const settlements = batch.map(({ topic }): Settlement =>
      this.broker.topics.has(topic)
        ? { stored: true }
        : { stored: false, problem: 'unavailable', detail: `the topic ${topic} was not declared` },
    );
    return Promise.resolve(settlements);
  }

  subscribe(subscribe: Subscribe): Promise<Subscription> {
    if (subscribe.group !== null) return Promise.resolve(this.consumer(this.broker.group(subscribe.group), subscribe));
    const follower = new MemoryGroup();
    for (const topic of subscribe.topics) follower.topics.add(topic);
    this.broker.followers.add(follower);
    const consumer = this.consumer(follower, subscribe);
    return Promise.resolve({
      close: async () => {
        this.broker.followers.delete(follower);
        await consumer.close();
      },
    });
  }

  backlog(group: string): Promise<number> {
    return Promise.resolve(this.broker.group(group).backlog);
  }

  isConsumed(group: string): Promise<boolean> {
    return Promise.resolve(this.broker.group(group).isJoined);
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private consumer(group: MemoryGroup, subscribe: Subscribe): MemoryConsumer {
    return new MemoryConsumer(group, subscribe, this.runtime, this.options.onError);
  }
}
