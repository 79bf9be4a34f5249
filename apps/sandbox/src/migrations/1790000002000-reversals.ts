import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ledger also tells of reversals; what was voided and refunded by its id stays in it. */
export class Reversals1790000002000 implements MigrationInterface {
  name = 'Reversals1790000002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE calls DROP CONSTRAINT calls_kind_check,
        ADD CONSTRAINT calls_kind_check CHECK (kind IN ('authorize', 'capture', 'void', 'refund', 'reverse', 'ship'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE calls DROP CONSTRAINT calls_kind_check,
        ADD CONSTRAINT calls_kind_check CHECK (kind IN ('authorize', 'capture', 'void', 'refund', 'ship'))`);
  }
}
