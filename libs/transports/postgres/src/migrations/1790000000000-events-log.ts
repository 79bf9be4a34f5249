import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createLogTable, createPartitionFunction } from '@order-events/store';

/** The tables of the database `events`: the log that all services publish to, and who reads it where. */
export class EventsLog1790000000000 implements MigrationInterface {
  name = 'EventsLog1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of createLogTable('log')) await runner.query(statement);
    await runner.query(`
      CREATE TABLE log_member (
        reader text NOT NULL,
        member text NOT NULL,
        backend integer,
        backend_start timestamptz,
        until timestamptz NOT NULL,
        PRIMARY KEY (reader, member)
      )`);
    await runner.query(createPartitionFunction(['log'], { inbox: false }));
    await runner.query(`SELECT make_partitions(7)`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('the log holds events that are not delivered yet: it is not dropped'));
  }
}
