import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startPostgres } from '@order-events/testing';
import { OutboxDatabase } from './outbox-database';

/** A database on a Postgres cluster of its own. */
export async function newCluster(): Promise<OutboxDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'order-events-restore-'));
  const server = await startPostgres({ directory, port: await freePort() });
  return OutboxDatabase.on(server.url, async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });
}

/** What a dump and its restore carry over. @param lift is added to the old cluster's transaction ids. */
export async function restore(from: OutboxDatabase, to: OutboxDatabase, lift: string): Promise<void> {
  await to.sql('DELETE FROM log_cursor');
  for (const table of ['outbox', 'log_cursor', 'audits']) {
    const [dump] = await from.sql<{ rows: string }>(`SELECT json_agg(t)::text AS rows FROM ${table} t`);
    await to.sql(
      `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${table}, $1)`,
      [dump!.rows],
    );
  }
  await to.sql(`UPDATE outbox SET xid = (xid::text::numeric + $1)::text::xid8`, [lift]);
  const [sequence] = await from.sql<{ last: number }>('SELECT last_value AS last FROM outbox_position_seq');
  await to.sql(`SELECT setval('outbox_position_seq', $1)`, [sequence!.last]);
}
