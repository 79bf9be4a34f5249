import type { Queryable } from '@order-events/store';

interface Settings {
  fsync: string;
  synchronous_commit: string;
  standbys: string;
  /** Standbys that are connected right now and could be promoted. */
  followers: number;
}

const READ = `
  SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standbys,
    (SELECT count(*)::integer FROM pg_stat_replication) AS followers`;

/**
 * What about this database breaks the promise that a committed order is kept, one sentence each. An answer is given when
 * the commit returns, so a commit must mean "on disk", and on the disk of whatever server may be promoted.
 */
export async function durabilityWarnings(database: Queryable): Promise<string[]> {
  const [settings] = await database.query<Settings & Record<string, unknown>>(READ);
  return warningsOf(settings!);
}

export function warningsOf({ fsync, synchronous_commit, standbys, followers }: Settings): string[] {
  return [
    ...(fsync === 'off' ? ['fsync is off: a crash of the machine loses committed orders'] : []),
    ...(synchronous_commit === 'off' ? ['synchronous_commit is off: a crash of Postgres loses committed orders'] : []),
    ...(followers > 0 && (standbys === '' || synchronous_commit === 'local')
      ? ['a standby follows asynchronously: promoting it loses committed orders; set synchronous_standby_names']
      : []),
  ];
}
