import type { Bare, Foreign, ReadForeign, Settlement, Subscription } from '@order-events/messaging';
import { KafkaTransport, type KafkaTransportOptions } from './transport';

/** A topic of other teams: records without headers. One that is missing is made like those of ours. */
export class KafkaForeign implements Foreign {
  private readonly transport: KafkaTransport;

  constructor(
    options: Omit<KafkaTransportOptions, 'prefix'>,
    private readonly topic: string,
  ) {
    this.transport = new KafkaTransport({ ...options, prefix: '' });
  }

  /** A new group begins with what comes from now on. */
  declare(group?: string): Promise<void> {
    return this.transport.declare([{ topic: this.topic, groups: group === undefined ? [] : [group] }]);
  }

  publish(batch: readonly Bare[]): Promise<Settlement[]> {
    return this.transport.publish(batch.map((bare) => ({ ...bare, topic: this.topic, headers: {} })));
  }

  subscribe(read: ReadForeign): Promise<Subscription> {
    return this.transport.subscribe({ ...read, topics: [this.topic] });
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}
