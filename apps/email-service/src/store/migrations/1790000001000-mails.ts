import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The mails of each order, a column for each that there can be; so there cannot be two of one type. */
export class Mails1790000001000 implements MigrationInterface {
  name = 'Mails1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    const state = (type: string) => `${type} text CHECK (${type} IN ('queued', 'sent', 'skipped', 'refused'))`;
    await runner.query(`
      CREATE TABLE mails (
        order_id text PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        recipient text,
        ${['received', 'confirmed', 'completed', 'cancelled'].map(state).join(', ')}
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE mails`);
  }
}
