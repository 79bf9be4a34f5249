import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The mails of each order, a column for each that there can be; so there cannot be two of one type. */
export class Mails1790000001000 implements MigrationInterface {
  name = 'Mails1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    const types = ['received', 'confirmed', 'completed', 'cancelled'];
    const columns = types.map((type) => `${type} text CHECK (${type} IN ('queued', 'sent', 'skipped', 'refused'))`);
    const reasons = types.map((type) => `CHECK ((refusals ? '${type}') = (${type} IS NOT DISTINCT FROM 'refused'))`);
    await runner.query(`
      CREATE TABLE mails (
        order_id text PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        recipient text,
        refusals jsonb NOT NULL DEFAULT '{}',
        ${[...columns, ...reasons].join(', ')}
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE mails`);
  }
}
