import {
  within,
  type Capabilities,
  type Message,
  type Settlement,
  type Subscribe,
  type Subscription,
  type TopicDeclaration,
  type Transport,
} from '@order-events/messaging';
import { Connection, TIMEOUT_MS } from '../connection';
import { MAX_BYTES, MAX_PAYLOAD } from '../limits';
import type { NatsTransportOptions } from '../transport';
import { Wire } from '../wire';
import { Courier } from './courier';
import { Follower } from './follower';
import { Member } from './member';
import { Posts } from './posts';
import { CorePublisher } from './publisher';
import { Roll } from './roll';
import type { KnownTopology } from './topology';

export interface CoreNatsTransportOptions extends NatsTransportOptions {
  /** What is published is known from here; `declare` adds to it. */
  topology: KnownTopology;
}

/**
 * Events through NATS alone, without JetStream: a server that keeps nothing. What is published goes into the memory of a
 * member of each group, and is lost with it.
 */
export class CoreNatsTransport implements Transport {
  readonly name = 'nats';
  readonly capabilities: Capabilities = { order: 'none', maxBytes: MAX_BYTES, fleeting: true };
  private readonly wire: Wire;
  private readonly connection: Connection;
  private readonly roll: Roll;
  private readonly courier: Courier;
  private readonly publisher: CorePublisher;

  constructor(private readonly options: CoreNatsTransportOptions) {
    const { prefix, topology, onError } = options;
    const wire = (this.wire = new Wire(prefix));
    const connection = (this.connection = new Connection(options, MAX_PAYLOAD));
    const posts = new Posts(onError);
    const roll = (this.roll = new Roll(wire));
    this.courier = new Courier({ connection, posts, roll, wire, onError });
    this.publisher = new CorePublisher({ connection, posts, roll, topology, wire });
  }

  /** There is nothing to be made. */
  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    await this.ping();
    this.options.topology.declare(topics);
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    return this.publisher.publish(batch);
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { connection, wire, courier, options } = this;
    const shared = { ...subscribe, connection, wire, onError: (error: Error) => options.onError(error) };
    const { group } = subscribe;
    const subscription = group === null ? new Follower(shared) : new Member({ ...shared, group, courier });
    await subscription.started;
    return subscription;
  }

  async backlog(group: string): Promise<number> {
    const members = await this.roll.all(await this.connection.get(TIMEOUT_MS), group);
    return members.reduce((sum, { held }) => sum + held, 0);
  }

  async isConsumed(group: string): Promise<boolean> {
    return (await this.roll.first(await this.connection.get(TIMEOUT_MS), group)) !== undefined;
  }

  async ping(): Promise<void> {
    const connection = await this.connection.get(TIMEOUT_MS);
    await within('NATS', TIMEOUT_MS, connection.flush());
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
