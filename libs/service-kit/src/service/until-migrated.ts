import type { MigrationInterface } from 'typeorm';
import { Database } from '@order-events/store';
import { loadConfig } from '../config/load';
import { untilItSucceeds } from './patience';

/**
 * Resolves when the tables of `DATABASE_URL` are as this version needs them: when the setup has run all of these
 * migrations. What a newer version has run beyond them does not matter.
 */
export async function untilMigrated(migrations: readonly (new () => MigrationInterface)[]): Promise<void> {
  const { DATABASE_URL: url } = loadConfig(['DATABASE_URL']);
  const names = migrations.map((Migration) => new Migration().name ?? Migration.name);
  // A connection that breaks is made again for the next question.
  const database = new Database({ url, connections: 1, applicationName: 'wait for setup', onError: () => undefined });
  await untilItSucceeds('the setup', () => haveRun(database, names)).finally(() => database.close());
}

async function haveRun(database: Database, names: readonly string[]): Promise<void> {
  const rows = await database.query<{ name: string }>('SELECT name FROM migrations');
  const ran = new Set(rows.map(({ name }) => name));
  const missing = names.filter((name) => !ran.has(name));
  if (missing.length > 0) throw new Error(`not run yet: ${missing.join(', ')}`);
}
