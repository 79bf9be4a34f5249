import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createDropInboxPartition, createDropLogPartition, makePartitionsWithPatience } from './drop-partition';

/** What a service needs to forget what is old. */
export class Retention1790000000004 implements MigrationInterface {
  name = 'Retention1790000000004';

  async up(runner: QueryRunner): Promise<void> {
    // Of event ids below it the inbox may have forgotten what became of them. It never goes back.
    await runner.query(`
      CREATE TABLE inbox_horizon (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        before uuid NOT NULL
      )`);
    await runner.query(`INSERT INTO inbox_horizon (before) VALUES (first_uuid_of('1970-01-01'))`);
    await runner.query(makePartitionsWithPatience);
    await runner.query(createDropLogPartition('outbox'));
    await runner.query(createDropInboxPartition());
    // What no day's partition takes is forgotten row by row.
    await runner.query('CREATE INDEX outbox_default_age ON outbox_default (created_at)');
    await runner.query('CREATE INDEX inbox_default_age ON inbox_default (at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX outbox_default_age, inbox_default_age');
    await runner.query('DROP FUNCTION drop_outbox_partition, drop_inbox_partition');
    await runner.query('ALTER FUNCTION make_partitions(integer) RESET lock_timeout');
    await runner.query('DROP TABLE inbox_horizon');
  }
}
