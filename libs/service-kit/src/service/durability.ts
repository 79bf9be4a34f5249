import { Database, type DatabaseOptions, type Queryable } from '@order-events/store';
import type { Logger } from '../log';

interface Settings {
  fsync: string;
  full_page_writes: string;
  synchronous_commit: string;
  standbys: string;
  /** Standbys that are connected right now and could be promoted. */
  followers: number;
}

const READ = `
  SELECT current_database() AS name, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standbys,
    (SELECT count(*)::integer FROM pg_stat_replication) AS followers`;

/**
 * What about this database breaks the promise that what was committed is kept, in one sentence that names it; undefined
 * when nothing does. An answer is given when the commit returns, so a commit must mean "on disk", and on the disk of
 * whatever server may be promoted.
 */
export async function durabilityWarning(database: Queryable): Promise<string | undefined> {
  const [settings] = await database.query<Settings & { name: string }>(READ);
  const { name, ...rest } = settings!;
  const dangers = dangersOf(rest);
  return dangers.length === 0
    ? undefined
    : `the database ${name} does not keep all that is committed: ${dangers.join('; ')}`;
}

/**
 * An order that was answered for stands in the own database, and the events that it still needs in that of the events.
 * @param events undefined when a broker carries them
 */
export async function checkDurability(own: Queryable, events: DatabaseOptions | undefined, log: Logger): Promise<void> {
  if (!events) return warnOfDurability([own], log);
  const database = new Database(events);
  await warnOfDurability([own, database], log);
  await database.close();
}

/** Tells the log of each database that does not keep what it commits. */
export async function warnOfDurability(databases: readonly Queryable[], log: Logger): Promise<void> {
  for (const database of databases) {
    try {
      const warning = await durabilityWarning(database);
      if (warning !== undefined) log.warn(warning);
    } catch (error) {
      log.warn({ err: error }, 'a database did not say whether it keeps what it commits; the next start asks again');
    }
  }
}

/** Each with what it does and what to set instead. */
export function dangersOf(settings: Settings): string[] {
  const { fsync, full_page_writes, synchronous_commit, standbys, followers } = settings;
  return [
    ...(fsync === 'off' ? ['fsync is off, so a crash of the machine loses commits; set it on'] : []),
    ...(full_page_writes === 'off'
      ? ['full_page_writes is off, so a crash of the machine may leave half-written pages; set it on']
      : []),
    ...(synchronous_commit === 'off'
      ? ['synchronous_commit is off, so a crash of Postgres loses the last commits; set it on']
      : []),
    ...(followers > 0 && (standbys === '' || ['off', 'local'].includes(synchronous_commit))
      ? [
          'a standby follows asynchronously, so promoting it loses commits; set synchronous_standby_names and synchronous_commit',
        ]
      : []),
  ];
}
