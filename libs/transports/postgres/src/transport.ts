import { randomUUID } from 'node:crypto';
import {
  bisect,
  StoreError,
  topicsByGroup,
  type Capabilities,
  type Message,
  type Settlement,
  type Subscribe,
  type Subscription,
  type TopicDeclaration,
  type Transport,
} from '@order-events/messaging';
import { Database, forgetLog, logColumns, logSql, makePartitions, Wake, type Dropped } from '@order-events/store';
import { Consumer } from './consumer';
import { PARTITIONS, partitionOf } from './partition';
import { sql } from './sql';
import { Topics } from './topics';

export interface PostgresTransportOptions {
  /** Of the database `events`. */
  url: string;
  /** Most connections, besides the one for wake-ups. */
  connections: number;
  applicationName: string;
  /** Goes before the names of topics and groups. */
  prefix: string;
  /** Something failed in the background and is tried again. */
  onError(error: Error): void;
}

/** Events through a log table in a database of their own: what npm start uses, with no broker to install. */
export class PostgresTransport implements Transport {
  readonly name = 'postgres';
  readonly capabilities: Capabilities = { order: 'key', maxBytes: 16 * 1024 * 1024 };
  private readonly database: Database;
  private readonly wake: Wake;
  private readonly topics: Topics;

  constructor(private readonly options: PostgresTransportOptions) {
    this.database = new Database(options);
    this.wake = new Wake({ ...options, channels: ['log'] });
    this.topics = new Topics(this.database);
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    const declared = topics.map(({ topic }) => this.prefixed(topic)).sort();
    await this.database.transact(async (session) => {
      await session.query(sql.declareTopics, [declared]);
      for (const [group, names] of [...topicsByGroup(topics)].sort()) {
        await session.query(sql.declare, [
          this.prefixed(group),
          PARTITIONS,
          names.map((name) => this.prefixed(name)).sort(),
          declared,
        ]);
      }
    });
  }

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    try {
      const declared = await this.topics.known(batch.map(({ topic }) => this.prefixed(topic)));
      const known = batch.filter(({ topic }) => declared.has(this.prefixed(topic)));
      if (known.length === 0) return batch.map(undeclared);
      const settled = await bisect<Message, Settlement>(
        known,
        (some) => this.append(some),
        (error) => error instanceof StoreError && error.kind === 'rejected',
        (_, error) => ({ stored: false, problem: 'refused', detail: (error as Error).message }),
      );
      const settlements = new Map(known.map((message, index) => [message, settled[index]!]));
      return batch.map((message) => settlements.get(message) ?? undeclared(message));
    } catch (error) {
      return batch.map(() => ({ stored: false, problem: 'unavailable', detail: (error as Error).message }));
    }
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { database, wake, options } = this;
    const { prefix, onError } = options;
    const consumer = new Consumer({ ...subscribe, database, wake, prefix, onError });
    if (subscribe.group === null) await consumer.started;
    return consumer;
  }

  async backlog(group: string): Promise<number> {
    const [row] = await this.database.query<{ waiting: number }>(sql.backlog, [this.prefixed(group)]);
    return row!.waiting;
  }

  async isConsumed(group: string): Promise<boolean> {
    const [row] = await this.database.query<{ consumed: boolean }>(sql.isConsumed, [this.prefixed(group)]);
    return row!.consumed;
  }

  makePartitions(): Promise<void> {
    return makePartitions(this.database);
  }

  /** Forgets what was published more than so many days ago, and every group has read. */
  forgetLog(days: number): Promise<Dropped> {
    return forgetLog(this.database, 'log', days);
  }

  async ping(): Promise<void> {
    await this.database.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.wake.close();
    await this.database.close();
  }

  private async append(batch: readonly Message[]): Promise<Settlement[]> {
    const entries = batch.map((message) => ({
      ...message,
      topic: this.prefixed(message.topic),
      id: message.headers['ce-id'] ?? randomUUID(),
      partition: partitionOf(message.key),
    }));
    await this.database.query(logSql('log').append, logColumns(entries));
    this.wake.poke('log', [...new Set(entries.map(({ partition }) => String(partition)))]);
    return batch.map(() => ({ stored: true }));
  }

  private prefixed(name: string): string {
    return this.options.prefix + name;
  }
}

const undeclared = ({ topic }: Message): Settlement => ({
  stored: false,
  problem: 'unavailable',
  detail: `the topic ${topic} was not declared`,
});
