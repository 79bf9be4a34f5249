import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where the goods of each order are to go, and how far they have come. */
export class Shipments1790000001000 implements MigrationInterface {
  name = 'Shipments1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE shipments (
        order_id text PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT 'none'
          CHECK (state IN ('none', 'planned', 'dispatching', 'dispatched', 'failed', 'cancelled')),
        items jsonb NOT NULL DEFAULT '[]',
        address jsonb,
        carrier text,
        tracking_number text,
        reason text,
        CHECK (state <> 'dispatched' OR (carrier IS NOT NULL AND tracking_number IS NOT NULL)),
        CHECK (state <> 'failed' OR reason IS NOT NULL)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE shipments`);
  }
}
