import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the delivery audit knows of each group; the group's cursor over the outbox stands with the others in log_cursor. */
export class DeliveryAudit1790000000001 implements MigrationInterface {
  name = 'DeliveryAudit1790000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audits (
        consumer_group text PRIMARY KEY,
        -- The one that is open, and its answer once there is one.
        question uuid,
        answer json,
        missing bigint NOT NULL DEFAULT 0,
        resent bigint NOT NULL DEFAULT 0
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audits');
  }
}
