import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What else operators do by hand: set an audit back, take stock in, change a product. */
export class MoreActions1790000000003 implements MigrationInterface {
  name = 'MoreActions1790000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operator_actions DROP CONSTRAINT operator_actions_action_check');
    await runner.query(`ALTER TABLE operator_actions ADD CONSTRAINT operator_actions_action_check
      CHECK (action IN ('redrive', 'discard', 'pause', 'resume', 'audit', 'stock', 'product'))`);
    await runner.query('ALTER TABLE operator_actions ADD COLUMN details jsonb');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('what operators did stays on record'));
  }
}
