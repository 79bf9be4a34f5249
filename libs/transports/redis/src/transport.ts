import { randomUUID } from 'node:crypto';
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
import { Consumer, type Source } from './consumer';
import { Follower } from './follower';
import { Member } from './member';
import { MAX_BYTES, Publisher } from './publisher';
import { BACKLOG, DECLARE, run } from './scripts';
import { Trimmer } from './trimmer';
import { Wire } from './wire';

export interface RedisTransportOptions extends ConnectionSettings {
  /** Goes before every name on the server. */
  prefix: string;
}

/** Events through Redis Streams: one for each topic, with a consumer group for each group. */
export class RedisTransport implements Transport {
  readonly name = 'redis';
  readonly capabilities: Capabilities = { order: 'none', maxBytes: MAX_BYTES };
  private readonly wire: Wire;
  private readonly connection: Connection;
  private readonly publisher: Publisher;
  private readonly trimmer: Trimmer;

  constructor(private readonly options: RedisTransportOptions) {
    this.wire = new Wire(options.prefix);
    this.connection = new Connection(options);
    this.publisher = new Publisher(this.connection, this.wire);
    this.trimmer = new Trimmer(this.connection, options.onError);
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    for (const { topic, groups } of topics) {
      const keys = [this.wire.stream(topic), ...groups.map((group) => this.wire.topicsOf(group))];
      await this.connection.command(run(DECLARE, keys, [topic, ...groups]));
    }
    await this.checkServer();
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    this.trimmer.watch(batch.map(({ topic }) => this.wire.stream(topic)));
    return this.publisher.publish(batch);
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { options, wire, connection } = this;
    const streams = subscribe.topics.map((topic) => wire.stream(topic));
    const { group } = subscribe;
    let source: Source;
    if (group === null) {
      const follower = new Follower(new Connection(options), wire, streams);
      // Tried again with each read.
      await follower.open().catch(options.onError);
      source = follower;
    } else {
      this.trimmer.watch(streams);
      const reader = new Connection(options, wire.membersOf(group));
      source = new Member({ group, streams, name: randomUUID(), wire, reader, connection });
    }
    return new Consumer({ ...subscribe, source, onError: options.onError });
  }

  async backlog(group: string): Promise<number> {
    const topics = await this.connection.command<string[]>(['SMEMBERS', this.wire.topicsOf(group)]);
    if (topics.length === 0) throw new Error(`the group ${group} was not declared`);
    const streams = topics.map((topic) => this.wire.stream(topic));
    return this.connection.command<number>(run(BACKLOG, streams, [group]));
  }

  /** Members are subscribed to a channel on which nothing is ever said, for as long as their connection lives. */
  async isConsumed(group: string): Promise<boolean> {
    const channel = this.wire.membersOf(group);
    const [, members] = await this.connection.command<[string, number]>(['PUBSUB', 'NUMSUB', channel]);
    return members > 0;
  }

  async ping(): Promise<void> {
    await this.connection.command(['PING']);
  }

  async close(): Promise<void> {
    this.trimmer.close();
    await this.connection.close();
  }

  /** Tells of settings with which what was proved can get lost, as far as the server lets them be seen. */
  private async checkServer(): Promise<void> {
    const info = await this.connection.command<string>(['INFO']);
    const value = (name: string) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1];
    const told = (problem: string) => this.options.onError(new Error(`Redis may lose events: ${problem}`));
    if (value('maxmemory_policy')?.startsWith('allkeys'))
      told(`maxmemory-policy is ${value('maxmemory_policy')}, which deletes streams when the memory is full`);
    if (value('aof_enabled') === '0') told('appendonly is off, so that what it has not saved is gone when it ends');
  }
}
