import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A row of the stock gets another version with each order: 2^31 of them are used up within weeks. */
export class StockMovesOften1790000001001 implements MigrationInterface {
  name = 'StockMovesOften1790000001001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stock ALTER COLUMN version TYPE bigint`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stock ALTER COLUMN version TYPE integer`);
  }
}
