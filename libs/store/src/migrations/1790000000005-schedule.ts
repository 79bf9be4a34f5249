import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Events that are to be published later: each goes to the outbox when its time has come. */
export class Schedule1790000000005 implements MigrationInterface {
  name = 'Schedule1790000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE schedule (
        id uuid PRIMARY KEY,
        topic text NOT NULL,
        key text NOT NULL,
        headers json NOT NULL,
        body bytea NOT NULL,
        due_at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX schedule_due ON schedule (due_at)');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('the schedule holds events that are not published yet: it is not dropped'));
  }
}
