import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the outside was asked last whether it is back, so that all processes of the service ask as one. */
export class Outside1790000000210 implements MigrationInterface {
  name = 'Outside1790000000210';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outside (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        away_since timestamptz,
        -- While it is away.
        asked_at timestamptz NOT NULL DEFAULT '-infinity'
      )`);
    await runner.query('INSERT INTO outside DEFAULT VALUES');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outside');
  }
}
