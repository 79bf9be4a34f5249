import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What else operators do by hand: have an order refunded, and events of a topic replayed to a group. */
export class RefundAndReplay1790000000010 implements MigrationInterface {
  name = 'RefundAndReplay1790000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operator_actions DROP CONSTRAINT operator_actions_action_check');
    await runner.query(`ALTER TABLE operator_actions ADD CONSTRAINT operator_actions_action_check
      CHECK (action IN ('redrive', 'discard', 'pause', 'resume', 'audit', 'stock', 'product', 'refund', 'replay'))`);
    await runner.query(`
      ALTER TABLE audits
        -- Of what is verified already, only this topic is asked about again, up to this position.
        ADD COLUMN replay_topic text,
        ADD COLUMN replay_until bigint NOT NULL DEFAULT 0`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('what operators did stays on record'));
  }
}
