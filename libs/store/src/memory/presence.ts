import type { Presence } from '@order-events/messaging';
import type { MemoryDatabase } from './database';
import type { MemoryStore } from './store';

/** The processes of a service by their connections to a database in memory. */
export class MemoryPresence implements Presence {
  constructor(
    private readonly database: MemoryDatabase,
    private readonly store: MemoryStore,
    private readonly connection: number,
  ) {}

  get name(): string {
    return String(this.connection);
  }

  async watch(ms: number): Promise<string[]> {
    await this.store.ping();
    const { processes } = this.database;
    const now = this.database.now();
    processes.set(this.connection, Infinity);
    for (const [connection, lostAt] of processes)
      if (lostAt === Infinity && !this.database.isConnected(connection)) processes.set(connection, now);
    const ended = [...processes].filter(([, lostAt]) => lostAt !== Infinity && lostAt > now - ms);
    return ended.map(([connection]) => String(connection));
  }

  async leave(): Promise<void> {
    await this.store.ping();
    this.database.processes.delete(this.connection);
  }
}
