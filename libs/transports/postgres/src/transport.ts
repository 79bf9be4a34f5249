import { randomUUID } from 'node:crypto';
import {
  bisect,
  StoreError,
  type Capabilities,
  type Message,
  type Settlement,
  type Subscribe,
  type Subscription,
  type TopicDeclaration,
  type Transport,
} from '@order-events/messaging';
import { Database, logColumns, logSql, Wake } from '@order-events/store';
import { Consumer } from './consumer';
import { PARTITIONS, partitionOf } from './partition';
import { sql } from './sql';

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
  readonly capabilities: Capabilities = { order: 'key', headers: true, maxBytes: 16 * 1024 * 1024, durable: true };
  private readonly database: Database;
  private readonly wake: Wake;

  constructor(private readonly options: PostgresTransportOptions) {
    this.database = new Database(options);
    this.wake = new Wake({ ...options, channels: ['log'] });
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    const groups = new Map<string, string[]>();
    for (const { topic, groups: names } of topics) {
      for (const group of names) groups.set(group, [...(groups.get(group) ?? []), this.prefixed(topic)]);
    }
    await this.database.transact(async (session) => {
      for (const [group, names] of [...groups].sort()) {
        await session.query(sql.declare, [this.prefixed(group), PARTITIONS, names.sort()]);
      }
    });
  }

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    try {
      return await bisect<Message, Settlement>(
        batch,
        (some) => this.append(some),
        (error) => error instanceof StoreError && error.kind === 'rejected',
        (_, error) => ({ stored: false, problem: 'refused', detail: (error as Error).message }),
      );
    } catch (error) {
      return batch.map(() => ({ stored: false, problem: 'unavailable', detail: (error as Error).message }));
    }
  }

  subscribe(subscribe: Subscribe): Promise<Subscription> {
    const { database, wake, options } = this;
    const consumer = new Consumer({
      ...subscribe,
      group: subscribe.group === null ? null : this.prefixed(subscribe.group),
      topics: subscribe.topics.map((topic) => this.prefixed(topic)),
      handle: (batch) => subscribe.handle(batch.map((message) => ({ ...message, topic: this.bare(message.topic) }))),
      database,
      wake,
      onError: options.onError,
    });
    return Promise.resolve(consumer);
  }

  async backlog(group: string): Promise<number> {
    const [row] = await this.database.query<{ waiting: number }>(sql.backlog, [this.prefixed(group)]);
    return row!.waiting;
  }

  async makePartitions(): Promise<void> {
    await this.database.query('SELECT make_partitions(7)');
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

  private bare(name: string): string {
    return name.slice(this.options.prefix.length);
  }
}
