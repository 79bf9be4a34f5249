import type { MigrationInterface } from 'typeorm';
import { topics, topology, type Service } from '@order-events/contracts';
import { Database, SharedTables1790000000000, type Queryable } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { EventsLog1790000000000, PostgresTransport } from '@order-events/transport-postgres';
import { loadConfig } from '../config/load';
import { runOnce } from './lifecycle';

export interface SetupOptions {
  service: Service;
  /** Of the domain's tables; the shared ones come by themselves. */
  migrations: readonly (new () => MigrationInterface)[];
  /** Puts in what development needs; only outside of production. Must change nothing when repeated. */
  seed?(session: Queryable): Promise<void>;
}

const SETTINGS = ['NODE_ENV', 'OWNER_DATABASE_URL', 'LOGIN_ROLE', 'OWNER_EVENTS_DATABASE_URL', 'TOPIC_PREFIX'] as const;

/**
 * Prepares everything that one service stands on: its tables, the events database, and every topic with every group, so
 * that whichever service is set up first, no event is published before all who need it can find it. Repeatable.
 */
async function setUp({ service, migrations, seed }: SetupOptions): Promise<void> {
  const config = loadConfig(SETTINGS, { LOGIN_ROLE: service.replaceAll('-', '_') });
  const { OWNER_DATABASE_URL: ownerUrl, LOGIN_ROLE: loginRole } = config;
  await migrate({ ownerUrl, loginRole, migrations: [SharedTables1790000000000, ...migrations] });
  await migrate({
    ownerUrl: config.OWNER_EVENTS_DATABASE_URL,
    loginRole: 'events',
    migrations: [EventsLog1790000000000],
  });
  const failed: Error[] = [];
  const onError = (error: Error) => failed.push(error);
  if (seed && config.NODE_ENV !== 'production') {
    const database = new Database({ url: ownerUrl, connections: 1, applicationName: 'setup', onError });
    await database.transact(seed).finally(() => database.close());
  }
  const transport = new PostgresTransport({
    url: config.OWNER_EVENTS_DATABASE_URL,
    connections: 1,
    applicationName: 'setup',
    prefix: config.TOPIC_PREFIX,
    onError,
  });
  await transport
    .declare(topics.map((topic) => ({ topic, groups: topology[topic].consumers })))
    .finally(() => transport.close());
  if (failed[0]) throw failed[0];
}

/** The whole of a service's `setup.ts`. */
export function runSetup(options: SetupOptions): void {
  runOnce(`setup of ${options.service}`, () => setUp(options));
}
