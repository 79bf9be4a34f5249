import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Router } from 'express';
import { pino } from 'pino';
import type { Service as ServiceName } from '@order-events/contracts';
import { encode, systemRuntime, type OutboxEntry } from '@order-events/messaging';
import { listen, Metrics, operatorApp, type Listening } from '@order-events/service-kit';
import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { testDatabase, type TestDatabase } from '@order-events/testing';

export const TOKEN = 'a token that is long enough';

export interface Service {
  store: PostgresStore;
  url: string;
  close(): Promise<void>;
}

/** Connections that broke. */
export const errors: Error[] = [];
const onError = (error: Error) => void errors.push(error);

/** The operator routes of a service on a database of its own. */
export async function start(service: ServiceName, routes?: Router): Promise<Service> {
  const database: TestDatabase = await testDatabase();
  await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  const store = new PostgresStore({ url: database.url, connections: 2, applicationName: 'test', onError });
  const transport = { backlog: () => Promise.resolve(3) };
  const shared = { service, token: TOKEN, store, transport, metrics: new Metrics(service), checks: {}, routes };
  const server: Listening = await listen(
    operatorApp({ ...shared, log: pino({ level: 'silent' }) }),
    '127.0.0.1',
    0,
    'OPERATOR_PORT',
  );
  return {
    store,
    url: `http://127.0.0.1:${server.port}`,
    close: async () => {
      await server.close(0);
      await store.close();
      await database.drop();
    },
  };
}

/** Runs the command as a process of its own. */
export async function run(line: string, env: NodeJS.ProcessEnv) {
  const args = ['-C', '@order-events/source', '-r', require.resolve('@order-events/testing/typescript.cjs')];
  const words = line.match(/"[^"]*"|\S+/g) ?? [];
  const child = spawn(
    process.execPath,
    [...args, join(__dirname, '..', 'src', 'main.ts'), ...words.map((word) => word.replaceAll('"', ''))],
    {
      env: { PATH: process.env.PATH, OPERATOR_TOKEN: TOKEN, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, code, data: () => JSON.parse(stdout).data };
}

export const told = (order: string): OutboxEntry =>
  encode(
    { type: 'inventory.reserved', subject: order, sequence: 1, data: { order_id: order } },
    systemRuntime.eventId(),
    { source: '/inventory' },
  );

/** Files the event as a dead letter of the group. */
export async function die({ store }: Service, group: string, event: OutboxEntry, error: string): Promise<void> {
  const { id, topic, key } = event;
  const failure = { message: event, error, attempts: 10 };
  await store.transact((tx) => tx.take(group, [{ id, topic, key, state: 'dead', failure }]));
}
