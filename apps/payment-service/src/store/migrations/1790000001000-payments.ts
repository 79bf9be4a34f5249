import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the money of each order has come. A state that builds on an id of the gateway's cannot be without it. */
export class Payments1790000001000 implements MigrationInterface {
  name = 'Payments1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE payments (
        order_id text PRIMARY KEY,
        version integer NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT 'none' CHECK (state IN (
          'none', 'authorizing', 'authorized', 'declined', 'capturing', 'captured', 'capture_failed',
          'voiding', 'voided', 'refunding', 'refunded')),
        cancelled boolean NOT NULL DEFAULT false,
        capture_wanted boolean NOT NULL DEFAULT false,
        amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
        currency text NOT NULL DEFAULT '',
        authorization_id text,
        capture_id text,
        refund_id text,
        reason text,
        CHECK (state IN ('none', 'authorizing', 'declined') OR authorization_id IS NOT NULL),
        CHECK (state NOT IN ('captured', 'refunding', 'refunded') OR capture_id IS NOT NULL),
        CHECK (state <> 'refunded' OR refund_id IS NOT NULL),
        CHECK (state NOT IN ('declined', 'capture_failed') OR reason IS NOT NULL),
        CHECK (state NOT IN ('voiding', 'voided', 'refunding', 'refunded') OR cancelled)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE payments`);
  }
}
