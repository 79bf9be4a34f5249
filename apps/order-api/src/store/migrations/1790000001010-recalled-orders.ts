import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether an operator wants the money of a paid order to go back. */
export class RecalledOrders1790000001010 implements MigrationInterface {
  name = 'RecalledOrders1790000001010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD COLUMN recalled boolean NOT NULL DEFAULT false');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders DROP COLUMN recalled');
  }
}
