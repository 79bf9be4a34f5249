import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Money goes back by the order, and not by the ids that are known of it: voiding and refunding are one state. What was
 * under way goes on as a reversal; the gateway answers with what has become of the money already.
 */
export class Reversals1790000002000 implements MigrationInterface {
  name = 'Reversals1790000002000';

  async up(runner: QueryRunner): Promise<void> {
    const checks = (await runner.query(
      `SELECT conname FROM pg_constraint WHERE conrelid = 'payments'::regclass AND contype = 'c' AND conname <> 'payments_amount_check'`,
    )) as { conname: string }[];
    for (const { conname } of checks) await runner.query(`ALTER TABLE payments DROP CONSTRAINT ${conname}`);
    await runner.query(`UPDATE payments SET state = 'reversing' WHERE state IN ('voiding', 'refunding')`);
    await runner.query(`
      UPDATE effects SET kind = 'gateway.reverse', idempotency_key = key || '.reverse', input = json_build_object('order_id', key)
      WHERE kind IN ('gateway.void', 'gateway.refund') AND state <> 'closed'`);
    await runner.query(`
      ALTER TABLE payments
        ADD CONSTRAINT known_state CHECK (state IN (
          'none', 'authorizing', 'authorized', 'declined', 'capturing', 'captured', 'capture_failed',
          'reversing', 'unused', 'voided', 'refunded')),
        ADD CONSTRAINT has_authorization CHECK (
          state NOT IN ('authorized', 'capturing', 'captured', 'capture_failed') OR authorization_id IS NOT NULL),
        ADD CONSTRAINT has_capture CHECK (state <> 'captured' OR capture_id IS NOT NULL),
        ADD CONSTRAINT has_refund CHECK (state <> 'refunded' OR refund_id IS NOT NULL),
        ADD CONSTRAINT has_reason CHECK (state NOT IN ('declined', 'capture_failed') OR reason IS NOT NULL),
        ADD CONSTRAINT reversed_if_cancelled CHECK (
          state NOT IN ('reversing', 'unused', 'voided', 'refunded') OR cancelled)`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('a reversal does not tell whether it voids or refunds: it is not made two again'));
  }
}
