import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { freePort, startPostgres, withClient } from '@order-events/testing';
import { eventsMigrations } from '@order-events/transport-postgres';
import { ordersTable } from './order';

export interface BenchDatabase {
  /** Of a service that keeps orders. */
  store: PostgresStore;
  /** Of the database of the transport that needs no broker. */
  eventsUrl: string;
  close(): Promise<void>;
}

/** A Postgres of its own that is as durable as a real one: what a commit costs is what much of this is about. */
export async function openBench(onError: (error: Error) => void): Promise<BenchDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'order-events-bench-'));
  const server = await startPostgres({ directory, port: await freePort(), password: 'for-a-moment' });
  const url = (database: string) => new URL(`/${database}`, server.url).href;
  await withClient(server.url, async (client) => {
    await client.query('CREATE DATABASE service');
    await client.query('CREATE DATABASE events');
  });
  const owned = (database: string) => ({ ownerUrl: url(database), loginRole: 'postgres' });
  await migrate({ ...owned('service'), migrations: [...sharedMigrations] });
  await migrate({ ...owned('events'), migrations: eventsMigrations });
  await withClient(url('service'), (client) =>
    client.query(`CREATE TABLE ${ordersTable.name} (order_id text PRIMARY KEY, version integer, state text)`),
  );
  const store = new PostgresStore({ url: url('service'), connections: 10, applicationName: 'bench', onError });
  return {
    store,
    eventsUrl: url('events'),
    async close() {
      await store.close();
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}
