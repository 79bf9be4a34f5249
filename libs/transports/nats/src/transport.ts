import type {
  Capabilities,
  Message,
  Settlement,
  Subscribe,
  Subscription,
  TopicDeclaration,
  Transport,
} from '@order-events/messaging';
import { ErrorCode, type JetStreamManager, type NatsError } from 'nats';
import { Connection, TIMEOUT_MS } from './connection';
import { Consumer } from './consumer';
import type { ConnectionSettings } from './dial';
import { MAX_BYTES, MAX_PAYLOAD } from './limits';
import { Publisher } from './publisher';
import { Topology } from './topology';
import { Wire } from './wire';

export interface NatsTransportOptions extends ConnectionSettings {
  /** Goes before the names of topics, of the stream and of groups. */
  prefix: string;
}

/** Events through one JetStream stream, with a durable consumer for each group. */
export class NatsTransport implements Transport {
  readonly name = 'nats';
  readonly capabilities: Capabilities = { order: 'none', maxBytes: MAX_BYTES };
  private readonly wire: Wire;
  private readonly topology: Topology;
  private readonly connection: Connection;
  private readonly publisher: Publisher;

  constructor(private readonly options: NatsTransportOptions) {
    this.wire = new Wire(options.prefix);
    this.topology = new Topology(this.wire);
    this.connection = new Connection(options, MAX_PAYLOAD);
    this.publisher = new Publisher(this.connection, this.wire, this.topology.stream);
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    await this.topology.declare(await this.manager(), topics);
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    return this.publisher.publish(batch);
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { connection, topology, wire, options } = this;
    const consumer = new Consumer({ ...subscribe, connection, topology, wire, onError: options.onError });
    if (subscribe.group === null) await consumer.started;
    return consumer;
  }

  async backlog(group: string): Promise<number> {
    const info = await (await this.manager()).consumers.info(this.topology.stream, this.wire.name(group));
    return info.num_pending + info.num_ack_pending;
  }

  /** A member without room for more asks the server for nothing, so it is asked itself. */
  async isConsumed(group: string): Promise<boolean> {
    const connection = await this.connection.get(TIMEOUT_MS);
    try {
      await connection.request(this.wire.membersOf(group), undefined, { timeout: TIMEOUT_MS });
      return true;
    } catch (error) {
      if ((error as NatsError).code === (ErrorCode.NoResponders as string)) return false;
      throw error;
    }
  }

  async ping(): Promise<void> {
    await (await this.manager()).getAccountInfo();
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async manager(): Promise<JetStreamManager> {
    const connection = await this.connection.get(TIMEOUT_MS);
    return connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT_MS });
  }
}
