import { DataSource, type MigrationInterface } from 'typeorm';

export interface MigrateOptions {
  /** Connection string of the role that owns the database. */
  ownerUrl: string;
  /** Role that the service logs in with: it may read and write rows, and nothing else. */
  loginRole: string;
  migrations: readonly (new () => MigrationInterface)[];
}

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
