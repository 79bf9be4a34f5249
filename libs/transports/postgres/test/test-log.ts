import type { Subscription } from '@order-events/messaging';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { eventsMigrations } from '../src/migrations';
import { PostgresTransport } from '../src/transport';

/** A database of its own with an empty log of events, and what a test opens on it. */
export class TestLog {
  readonly errors: Error[] = [];
  private readonly opened: { close(): Promise<void> }[] = [];

  private constructor(private readonly database: TestDatabase) {}

  static async create(): Promise<TestLog> {
    const database = await testDatabase();
    await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations: eventsMigrations });
    return new TestLog(database);
  }

  get url(): string {
    return this.database.url;
  }

  open(prefix = ''): PostgresTransport {
    const onError = (error: Error) => void this.errors.push(error);
    const options = { url: this.url, connections: 4, applicationName: 'test', prefix, onError };
    return this.closing(new PostgresTransport(options));
  }

  /** Writes a row with no key and no headers, as whoever may write to the log can. */
  async put(topic: string, body: Uint8Array): Promise<void> {
    const text = `INSERT INTO log (partition, id, topic, key, headers, body) VALUES (3, gen_random_uuid(), $1, '', '{}', $2)`;
    await withClient(this.url, (client) => client.query(text, [topic, Buffer.from(body)]));
  }

  /** Closes it, too, when the test has ended. */
  closing<T extends PostgresTransport | Subscription>(opened: T): T {
    this.opened.push(opened);
    return opened;
  }

  /** What was opened last is closed first. */
  async remove(): Promise<void> {
    for (const opened of this.opened.reverse()) await opened.close();
    await this.database.drop();
  }
}
