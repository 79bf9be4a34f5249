import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ledger also tells of recalls, and by that the carrier knows which goods it is not to take. */
export class Recalls1790000003000 implements MigrationInterface {
  name = 'Recalls1790000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE calls DROP CONSTRAINT calls_kind_check, ADD CONSTRAINT calls_kind_check
        CHECK (kind IN ('authorize', 'capture', 'void', 'refund', 'reverse', 'ship', 'recall'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE calls DROP CONSTRAINT calls_kind_check, ADD CONSTRAINT calls_kind_check
        CHECK (kind IN ('authorize', 'capture', 'void', 'refund', 'reverse', 'ship'))`);
  }
}
