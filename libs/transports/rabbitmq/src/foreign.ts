import type { Bare, Foreign, ReadForeign, Settlement, Subscription } from '@order-events/messaging';
import { Connection, type ConnectionSettings } from './connection';
import { Consumer } from './consumer';
import { Publisher } from './publisher';
import { Topology } from './topology';

export interface RabbitmqPlace {
  exchange: string;
  routingKey: string;
  queue: string;
}

/** A direct exchange of other teams with a durable queue, declared as they do: whoever differs in anything is refused. */
export class RabbitmqForeign implements Foreign {
  private readonly topology: Topology;
  private readonly publishing: Connection;
  private readonly consuming: Connection;
  private readonly publisher: Publisher;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly place: RabbitmqPlace,
  ) {
    this.topology = new Topology('', place.exchange);
    this.publishing = new Connection(settings, 'publishes to others');
    this.consuming = new Connection(settings, 'consumes from others');
    this.publisher = new Publisher(this.publishing, this.topology);
  }

  /** The queue stands for the group, whoever reads it. */
  async declare(): Promise<void> {
    const { exchange, routingKey, queue } = this.place;
    await this.consuming.use(async (channel) => {
      await channel.assertExchange(exchange, 'direct', { durable: true });
      await channel.assertQueue(queue, { durable: true });
      await channel.bindQueue(queue, exchange, routingKey);
    });
  }

  publish(batch: readonly Bare[]): Promise<Settlement[]> {
    const topic = this.place.routingKey;
    return this.publisher.publish(batch.map(({ body }) => ({ topic, key: '', headers: {}, body })));
  }

  async subscribe(read: ReadForeign): Promise<Subscription> {
    const { consuming: connection, topology, settings } = this;
    const { queue: group, routingKey } = this.place;
    const consumer = new Consumer({ ...read, group, topics: [routingKey], connection, topology, ...settings });
    await consumer.started;
    return consumer;
  }

  async close(): Promise<void> {
    await Promise.all([this.publishing.close(), this.consuming.close()]);
  }
}
