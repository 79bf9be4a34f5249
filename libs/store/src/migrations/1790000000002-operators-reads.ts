import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What an operator looks for is found without reading whole tables. The indexes are made in one go and not CONCURRENTLY,
 * which would wait for a second setup that waits for this one; the service waits meanwhile, some seconds a million rows.
 */
export class OperatorsReads1790000000002 implements MigrationInterface {
  name = 'OperatorsReads1790000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX inbox_key ON inbox (key)');
    await runner.query('CREATE INDEX outbox_key ON outbox (key)');
    // Also of the dead letters, in place of the index that held nothing else.
    await runner.query(`CREATE INDEX inbox_unapplied ON inbox (state, at) WHERE state <> 'applied'`);
    await runner.query('DROP INDEX inbox_dead');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX inbox_dead ON inbox (at) WHERE state = 'dead'`);
    await runner.query('DROP INDEX inbox_key, outbox_key, inbox_unapplied');
  }
}
