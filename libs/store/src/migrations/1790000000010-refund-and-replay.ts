import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What else operators do by hand: have an order refunded, and events replayed to a group. */
export class RefundAndReplay1790000000010 implements MigrationInterface {
  name = 'RefundAndReplay1790000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operator_actions DROP CONSTRAINT operator_actions_action_check');
    await runner.query(`ALTER TABLE operator_actions ADD CONSTRAINT operator_actions_action_check
      CHECK (action IN ('redrive', 'discard', 'pause', 'resume', 'audit', 'stock', 'product', 'refund', 'replay'))`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('what operators did stays on record'));
  }
}
