import type { MigrationInterface } from 'typeorm';
import { assertEssentials, audiences, declarations, type Service } from '@order-events/contracts';
import { Database, declareAudits, sharedMigrations, type Queryable } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventsMigrations } from '@order-events/transport-postgres';
import { loadConfig } from '../config/load';
import type { Config } from '../config/settings';
import { consumedFrom } from '../config/transports';
import { openTransport, TRANSPORT_SETTINGS, type TransportConfig } from '../transports';
import { runOnce } from './lifecycle';
import { databaseAnswers, untilItSucceeds } from './patience';
import { untilMigrated } from './until-migrated';

export interface SetupOptions {
  service: Service;
  /** Of the domain's tables; the shared ones come by themselves. */
  migrations: readonly (new () => MigrationInterface)[];
  /** Puts in what development needs; only outside of production. Must change nothing when repeated. */
  seed?(session: Queryable): Promise<void>;
  /** What this service needs beyond that. Must change nothing when repeated. */
  also?(database: Database, config: SetupConfig): Promise<void>;
}

const SETTINGS = [
  'NODE_ENV',
  'OWNER_DATABASE_URL',
  'LOGIN_ROLE',
  'OWNER_EVENTS_DATABASE_URL',
  ...TRANSPORT_SETTINGS,
  'BRIDGE_IN',
  'BRIDGE_OUT',
] as const;
export type SetupConfig = Config<(typeof SETTINGS)[number]>;

/**
 * Prepares everything that one service stands on: its tables, the events database, and every topic with every group, so
 * that whichever service is set up first, no event is published before all who need it can find it. Repeatable.
 */
async function setUp({ service, migrations, seed, also }: SetupOptions): Promise<void> {
  const config = loadConfig(SETTINGS, { LOGIN_ROLE: service.replaceAll('-', '_') }, withOwnersEvents(process.env));
  assertEssentials();
  const { OWNER_DATABASE_URL: ownerUrl, LOGIN_ROLE: loginRole, OWNER_EVENTS_DATABASE_URL: eventsUrl } = config;
  await databaseAnswers(ownerUrl);
  await migrate({ ownerUrl, loginRole, migrations: [...sharedMigrations, ...migrations] });
  if (consumedFrom(config).has('postgres')) {
    await databaseAnswers(eventsUrl!);
    await migrate({ ownerUrl: eventsUrl!, loginRole: 'events', migrations: eventsMigrations });
  }
  const failed: Error[] = [];
  const onError = (error: Error) => failed.push(error);
  const database = new Database({ url: ownerUrl, connections: 1, applicationName: 'setup', onError });
  try {
    await declareAudits(database, audiences(service));
    if (seed && config.NODE_ENV !== 'production') await database.transact(seed);
    await declareTopology(config);
    await also?.(database, config);
  } finally {
    await database.close();
  }
  if (failed[0]) throw failed[0];
}

async function declareTopology(config: TransportConfig): Promise<void> {
  // What is tried again by itself shows in what is declared, or does not matter.
  const onError = ({ message }: Error) => void process.stdout.write(`${message}\n`);
  const { transport } = openTransport(config, { applicationName: 'setup', onError, onCoded: () => undefined });
  await untilItSucceeds('the broker', () => transport.declare(declarations)).finally(() => transport.close());
}

/** Setup reaches the events as their owner. */
function withOwnersEvents(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, EVENTS_DATABASE_URL: env.OWNER_EVENTS_DATABASE_URL };
}

/** The whole of a service's `setup.ts`. With `--wait` it makes nothing, and ends when another one has made the tables. */
export function runSetup(options: SetupOptions): void {
  if (process.argv.includes('--wait'))
    runOnce(`waiting for the setup of ${options.service}`, () =>
      untilMigrated([...sharedMigrations, ...options.migrations]),
    );
  else runOnce(`setup of ${options.service}`, () => setUp(options));
}
