import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Orders that programs of other teams have given their ids: by whom, and what it was, for as long as there is the order. */
export class ForeignOrders1790000001020 implements MigrationInterface {
  name = 'ForeignOrders1790000001020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE foreign_orders (
        order_id text PRIMARY KEY,
        source text NOT NULL,
        fingerprint text NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE foreign_orders');
  }
}
