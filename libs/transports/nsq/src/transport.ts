import {
  anyOf,
  type Capabilities,
  type Message,
  type Settlement,
  type Subscribe,
  type Subscription,
  type TopicDeclaration,
  type Transport,
} from '@order-events/messaging';
import { Connection, type ConnectionSettings } from './connection';
import { Consumer } from './consumer';
import { Nodes, type NodesOptions } from './nodes';
import { Publisher } from './publisher';
import { backlogOf, declare, isConsumedAt } from './topology';
import { decode, encode, MAX_MESSAGE_BYTES } from './wire';

export interface NsqTransportOptions extends ConnectionSettings, Omit<NodesOptions, 'onError'> {
  /** Goes before the names of topics and channels. */
  prefix: string;
}

/** For names of attributes, quotation marks and commas. */
const ENVELOPE_BYTES = 16 * 1024;

/** Events through nsqds: a topic for each type of event, with a channel for each group on every nsqd. */
export class NsqTransport implements Transport {
  readonly name = 'nsq';
  readonly capabilities: Capabilities = {
    order: 'none',
    // A body that is no JSON grows by a third.
    maxBytes: (MAX_MESSAGE_BYTES * 3) / 4 - ENVELOPE_BYTES,
    makesTopics: true,
  };
  private readonly nodes: Nodes;
  private readonly publisher: Publisher;

  constructor(private readonly options: NsqTransportOptions) {
    this.nodes = new Nodes(options);
    this.publisher = new Publisher({ nodes: this.nodes, prefix: options.prefix, encode, settings: options });
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    await declare(await this.nodes.find(), this.options.prefix, topics, this.options);
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    return this.publisher.publish(batch);
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { nodes, options } = this;
    const consumer = new Consumer({ ...subscribe, nodes, prefix: options.prefix, decode, settings: options });
    await consumer.started;
    return consumer;
  }

  async backlog(group: string): Promise<number> {
    const nodes = await this.nodes.find();
    const each = await Promise.all(nodes.map((node) => backlogOf(node, this.options.prefix, group)));
    return each.reduce((sum, one) => sum + one, 0);
  }

  async isConsumed(group: string): Promise<boolean> {
    const nodes = await this.nodes.find();
    return anyOf(nodes.map((node) => isConsumedAt(node, this.options.prefix, group)));
  }

  /** Resolves when one nsqd answers. Else it rejects with what each has in the way. */
  async ping(): Promise<void> {
    const nodes = await this.nodes.find();
    await Promise.any(
      nodes.map(async (node) => {
        const connection = Connection.writer(node, this.options);
        await connection.ready;
        await connection.end();
      }),
    ).catch(({ errors }: AggregateError) => {
      throw new Error(errors.map((error: Error) => error.message).join('; '));
    });
  }

  close(): Promise<void> {
    return this.publisher.close();
  }
}
