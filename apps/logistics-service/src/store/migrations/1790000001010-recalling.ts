import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A shipment may wait for the carrier to say that it leaves the goods here. All states that there were stay. */
export class Recalling1790000001010 implements MigrationInterface {
  name = 'Recalling1790000001010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE shipments DROP CONSTRAINT shipments_state_check,
        ADD CONSTRAINT shipments_state_check CHECK (state IN (
          'none', 'planned', 'dispatching', 'recalling', 'dispatched', 'failed', 'cancelled'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE shipments DROP CONSTRAINT shipments_state_check,
        ADD CONSTRAINT shipments_state_check CHECK (state IN (
          'none', 'planned', 'dispatching', 'dispatched', 'failed', 'cancelled'))`);
  }
}
