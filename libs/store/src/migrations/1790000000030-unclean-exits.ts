import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How an unclean exit is noticed, and what is kept of events that may be the reason of one. */
export class UncleanExits1790000000030 implements MigrationInterface {
  name = 'UncleanExits1790000000030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE processes (
        owner uuid PRIMARY KEY,
        -- The connection by which others see that it lives.
        backend integer NOT NULL,
        backend_start timestamptz NOT NULL,
        -- When it was found to have ended without a word. One that ends in order leaves no row.
        lost_at timestamptz
      )`);
    // Tries that were begun alone, and of which nothing was heard; null: it was never tried alone.
    await runner.query('ALTER TABLE failures ADD COLUMN crashes integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE failures DROP COLUMN crashes');
    await runner.query('DROP TABLE processes');
  }
}
