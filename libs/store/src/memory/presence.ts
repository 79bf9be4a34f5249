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

  async watch(ms: number): Promise<boolean> {
    await this.store.ping();
    const { processes } = this.database;
    const now = this.database.now();
    processes.set(this.connection, Infinity);
    for (const [connection, lostAt] of processes)
      if (lostAt === Infinity && !this.database.isConnected(connection)) processes.set(connection, now);
    return [...processes.values()].some((lostAt) => lostAt !== Infinity && lostAt > now - ms);
  }

  async leave(): Promise<void> {
    await this.store.ping();
    this.database.processes.delete(this.connection);
  }
}
