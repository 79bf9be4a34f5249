import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A ledger that could forget would be no witness. The login role may write all rows, so the tables themselves refuse. */
export class NothingIsDeleted1790000001000 implements MigrationInterface {
  name = 'NothingIsDeleted1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION refuse_to_delete() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'nothing is deleted from the ledger'; END $$`);
    for (const table of ['calls', 'authorizations', 'shipments', 'mails']) {
      await runner.query(`
        CREATE TRIGGER nothing_is_deleted BEFORE DELETE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_delete()`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION refuse_to_delete() CASCADE');
  }
}
