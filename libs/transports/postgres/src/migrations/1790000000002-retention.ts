import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createDropLogPartition, makePartitionsWithPatience } from '@order-events/store';

/** What it takes to forget what is old. */
export class Retention1790000000002 implements MigrationInterface {
  name = 'Retention1790000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(makePartitionsWithPatience);
    await runner.query(createDropLogPartition('log'));
    // What no day's partition takes is forgotten row by row.
    await runner.query('CREATE INDEX log_default_age ON log_default (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX log_default_age');
    await runner.query('DROP FUNCTION drop_log_partition');
    await runner.query('ALTER FUNCTION make_partitions(integer) RESET lock_timeout');
  }
}
