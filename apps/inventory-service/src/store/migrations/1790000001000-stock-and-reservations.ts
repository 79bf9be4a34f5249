import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where the goods are, and for whom. That no count goes below zero holds even if a decision should be wrong. */
export class StockAndReservations1790000001000 implements MigrationInterface {
  name = 'StockAndReservations1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stock (
        product_id text PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        available bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
        reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
        sold bigint NOT NULL DEFAULT 0 CHECK (sold >= 0)
      )`);
    await runner.query(`
      CREATE TABLE reservations (
        order_id text PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT 'none'
          CHECK (state IN ('none', 'reserved', 'sold', 'rejected', 'cancelled')),
        items jsonb NOT NULL DEFAULT '[]',
        CHECK (state NOT IN ('reserved', 'sold') OR jsonb_array_length(items) > 0)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE reservations, stock`);
  }
}
