import { DataSource, type MigrationInterface } from 'typeorm';

export interface MigrateOptions {
  /** Connection string of the role that owns the database. */
  ownerUrl: string;
  /** Role that the service logs in with: it may read and write rows, and nothing else. */
  loginRole: string;
  migrations: readonly (new () => MigrationInterface)[];
}

/**
 * A database may have come to this server by a copy of its rows that brings no sequences along, as logical replication does.
 * Numbers that are in use, or that a reader has read past, must not be drawn again. Nobody has adopted it yet who writes.
 */
const raiseSequences = `
  DO $$
  DECLARE identity record; highest bigint;
  BEGIN
    IF to_regclass('log_cursor') IS NULL THEN RETURN; END IF;
    IF NOT EXISTS (SELECT FROM log_cursor WHERE system_identifier <> (pg_control_system()).system_identifier) THEN RETURN; END IF;
    FOR identity IN
      SELECT c.table_name, c.column_name, pg_get_serial_sequence(quote_ident(c.table_name), c.column_name)::regclass AS sequence
      FROM information_schema.columns c JOIN pg_class t ON t.oid = quote_ident(c.table_name)::regclass
      WHERE c.table_schema = 'public' AND c.is_identity = 'YES' AND NOT t.relispartition
    LOOP
      EXECUTE format('SELECT max(%I) FROM %I', identity.column_name, identity.table_name) INTO highest;
      IF identity.column_name = 'position' THEN
        highest := greatest(highest, (SELECT max(greatest(position, floor, verified)) FROM log_cursor WHERE log = identity.table_name));
      END IF;
      IF highest > coalesce(pg_sequence_last_value(identity.sequence), 0) THEN PERFORM setval(identity.sequence, highest); END IF;
    END LOOP;
  END $$`;

/** Brings a database's tables up to date and lets the login role use them. Returns the names of what it ran. */
export async function migrate({ ownerUrl, loginRole, migrations }: MigrateOptions): Promise<string[]> {
  const source = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    migrations: [...migrations],
    migrationsTransactionMode: 'each',
  });
  await source.initialize();
  // Two setups at once (a Job per replica, a retried one) take turns; the lock is this connection's.
  const turn = source.createQueryRunner();
  try {
    await turn.query(`SELECT pg_advisory_lock(hashtext('migrate'))`);
    const ran = await source.runMigrations();
    await source.query(raiseSequences);
    const role = `"${loginRole.replaceAll('"', '""')}"`;
    await source.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
    await source.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`);
    await source.query(`REVOKE INSERT, UPDATE, DELETE ON migrations FROM ${role}`);
    await source.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
    await source.query(
      `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role}`,
    );
    return ran.map((migration) => migration.name);
  } finally {
    await turn.release();
    await source.destroy();
  }
}
