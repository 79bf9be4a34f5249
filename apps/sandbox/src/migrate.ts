import { escapeIdentifier } from 'pg';
import { DataSource } from 'typeorm';
import { Ledger1790000000000 } from './migrations/1-ledger';

/**
 * Brings the ledger's tables up to date, and lets the login role read and write their rows. Idempotent.
 *
 * The tables are named one by one, so that TypeORM's own table of migrations stays the owner's; nothing in a ledger is
 * ever deleted.
 */
export async function migrate(ownerUrl: string, loginRole: string): Promise<void> {
  const source = new DataSource({ type: 'postgres', url: ownerUrl, migrations: [Ledger1790000000000] });
  await source.initialize();
  try {
    await source.runMigrations();
    const role = escapeIdentifier(loginRole);
    await source.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
    await source.query(`GRANT SELECT, INSERT, UPDATE ON calls, authorizations, shipments, mails TO ${role}`);
  } finally {
    await source.destroy();
  }
}
