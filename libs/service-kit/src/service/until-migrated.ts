import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationInterface } from 'typeorm';
import { Database } from '@order-events/store';
import { loadConfig } from '../config/load';
import { reasonOf } from '../reason';

const AGAIN_MS = 500;

/**
 * Resolves when the tables of `DATABASE_URL` are as this version needs them, however long that takes: when the setup has
 * run all of these migrations. What else may have been run by a newer version does not matter.
 */
export async function untilMigrated(migrations: readonly (new () => MigrationInterface)[]): Promise<void> {
  const { DATABASE_URL: url } = loadConfig(['DATABASE_URL']);
  const names = migrations.map((Migration) => new Migration().name ?? Migration.name);
  // Whatever is wrong shows in the next answer.
  const onError = () => undefined;
  const database = new Database({ url, connections: 1, applicationName: 'wait for setup', onError });
  try {
    let said: string | undefined;
    for (;;) {
      const lack = await lackOf(database, names).catch(reasonOf);
      if (lack === undefined) return;
      if (lack !== said) process.stdout.write(`waiting for the setup: ${lack}\n`);
      said = lack;
      await sleep(AGAIN_MS);
    }
  } finally {
    await database.close();
  }
}

async function lackOf(database: Database, names: readonly string[]): Promise<string | undefined> {
  const rows = await database.query<{ name: string }>('SELECT name FROM migrations');
  const done = new Set(rows.map(({ name }) => name));
  const missing = names.filter((name) => !done.has(name));
  return missing.length === 0 ? undefined : `to be run: ${missing.join(', ')}`;
}
