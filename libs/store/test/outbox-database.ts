import { counterTables, testDatabase } from '@order-events/testing';
import type { LogReader, LogRecord } from '@order-events/messaging';
import type { QueryResultRow } from 'pg';
import { migrate } from '../src/migrate';
import { sharedMigrations } from '../src/migrations';
import { Database } from '../src/postgres/database';
import { PostgresStore } from '../src/postgres/store';

/** A service's database of its own for one test, and stores on it as the processes of that service would have. */
export class OutboxDatabase {
  private readonly errors: Error[] = [];
  private readonly stores: PostgresStore[] = [];
  private readonly database: Database;

  private constructor(
    readonly url: string,
    private readonly drop: () => Promise<void>,
  ) {
    this.database = new Database({ ...this.options(2), applicationName: 'test' });
  }

  static async create(): Promise<OutboxDatabase> {
    const { url, drop } = await testDatabase();
    return OutboxDatabase.on(url, drop);
  }

  /** Makes the tables in an empty database. */
  static async on(url: string, drop: () => Promise<void>): Promise<OutboxDatabase> {
    await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [...sharedMigrations] });
    const made = new OutboxDatabase(url, drop);
    for (const statement of counterTables.split(';').filter((text) => text.trim())) await made.sql(statement);
    return made;
  }

  store(connections = 5): PostgresStore {
    const store = new PostgresStore(this.options(connections));
    this.stores.push(store);
    return store;
  }

  sql<R extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.database.query<R>(text, values);
  }

  /** @throws if a connection broke. */
  async close(): Promise<void> {
    await Promise.all(this.stores.map((store) => store.close()));
    await this.database.close();
    await this.drop();
    expect(this.errors).toEqual([]);
  }

  private options(connections: number) {
    const onError = (error: Error) => void this.errors.push(error);
    return { url: this.url, connections, applicationName: 'test', onError };
  }
}

/** Reads and commits until nothing is left. */
export async function drain(reader: LogReader, limit = 100): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (;;) {
    const page = await reader.page(limit);
    await reader.commit([]);
    records.push(...page);
    // A window that ends with a full page shows its end by an empty one; only a second one means that nothing is left.
    if (page.length === 0) {
      const more = await reader.page(limit);
      await reader.commit([]);
      if (more.length === 0) return records;
      records.push(...more);
    }
  }
}

export function bodyOf(record: LogRecord): string {
  return Buffer.from(record.body).toString();
}
