import type { Bare, Foreign, Message, ReadForeign, Settlement, Subscription } from '@order-events/messaging';
import type { ConnectionSettings } from './connection';
import { Consumer } from './consumer';
import { Nodes, type NodesOptions } from './nodes';
import { Publisher } from './publisher';
import { declare } from './topology';

export type NsqForeignOptions = ConnectionSettings & Omit<NodesOptions, 'onError'>;

const prefix = '';
const encode = ({ body }: Message) => Buffer.from(body.buffer, body.byteOffset, body.byteLength);
const decode = (topic: string, body: Buffer): Message => ({ topic, key: '', headers: {}, body });

/** A topic of other teams: bodies without our envelope. */
export class NsqForeign implements Foreign {
  private readonly nodes: Nodes;
  private readonly publisher: Publisher;

  constructor(
    private readonly options: NsqForeignOptions,
    private readonly topic: string,
  ) {
    this.nodes = new Nodes(options);
    this.publisher = new Publisher({ nodes: this.nodes, prefix, encode, settings: options });
  }

  /** A topic without a channel keeps what it gets for its first one, so there is nothing to be made without a group. */
  async declare(group?: string): Promise<void> {
    if (group === undefined) return;
    await declare(await this.nodes.find(), prefix, [{ topic: this.topic, groups: [group] }], this.options);
  }

  publish(batch: readonly Bare[]): Promise<Settlement[]> {
    return this.publisher.publish(batch.map((bare) => ({ ...bare, topic: this.topic, headers: {} })));
  }

  async subscribe(read: ReadForeign): Promise<Subscription> {
    const { nodes, options } = this;
    const consumer = new Consumer({ ...read, topics: [this.topic], nodes, prefix, decode, settings: options });
    await consumer.started;
    return consumer;
  }

  close(): Promise<void> {
    return this.publisher.close();
  }
}
