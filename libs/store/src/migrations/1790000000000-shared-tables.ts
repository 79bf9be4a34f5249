import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createLogTable, createPartitionFunction } from './log-table';

/** The tables that every service has in its own database beside those of its domain. */
export class SharedTables1790000000000 implements MigrationInterface {
  name = 'SharedTables1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of createLogTable('outbox')) await runner.query(statement);
    await runner.query(`INSERT INTO log_cursor (log, reader, partition) VALUES ('outbox', 'relay', 0)`);
    await runner.query(`
      CREATE TABLE inbox (
        consumer_group text NOT NULL,
        id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('applied', 'retrying', 'dead', 'expired', 'discarded')),
        topic text NOT NULL,
        key text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (consumer_group, id)
      ) PARTITION BY RANGE (id)`);
    await runner.query(`CREATE TABLE inbox_default PARTITION OF inbox DEFAULT`);
    await runner.query(`CREATE INDEX inbox_dead ON inbox (at) WHERE state = 'dead'`);
    await runner.query(`
      CREATE TABLE failures (
        consumer_group text NOT NULL,
        id uuid NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        headers json NOT NULL,
        body bytea NOT NULL,
        attempts integer NOT NULL,
        errors jsonb NOT NULL DEFAULT '[]',
        due_at timestamptz,
        PRIMARY KEY (consumer_group, id)
      )`);
    await runner.query(`CREATE INDEX failures_due ON failures (consumer_group, due_at) WHERE due_at IS NOT NULL`);
    await runner.query(`
      CREATE TABLE operator_actions (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor text NOT NULL,
        action text NOT NULL CHECK (action IN ('redrive', 'discard', 'pause', 'resume')),
        reason text NOT NULL,
        consumer_group text NOT NULL,
        -- Of a dead letter.
        event_id uuid
      )`);
    await runner.query(`CREATE INDEX operator_actions_event ON operator_actions (event_id)`);
    await runner.query(
      `CREATE INDEX operator_actions_pause ON operator_actions (consumer_group, seq) WHERE action IN ('pause', 'resume')`,
    );
    await runner.query(`
      CREATE TABLE effects (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        key text NOT NULL,
        idempotency_key text NOT NULL UNIQUE,
        input json NOT NULL,
        causationid text,
        traceparent text,
        -- Of one key at most one is open, the oldest; the others wait for it to be closed.
        state text NOT NULL CHECK (state IN ('waiting', 'open', 'closed')),
        attempts integer NOT NULL DEFAULT 0,
        errors jsonb NOT NULL DEFAULT '[]',
        -- Of a call whose answer could not be recorded: it is decided about again, and not asked for again.
        answer json,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        -- Who calls, and the connection by which others see that it lives.
        runner text,
        runner_backend integer,
        runner_backend_start timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        closed_at timestamptz
      )`);
    await runner.query(`CREATE INDEX effects_due ON effects (due_at) WHERE state = 'open'`);
    await runner.query(
      `CREATE INDEX effects_claimed ON effects (seq) WHERE state = 'open' AND runner_backend IS NOT NULL`,
    );
    await runner.query(`CREATE UNIQUE INDEX effects_one_open ON effects (key) WHERE state = 'open'`);
    await runner.query(`CREATE INDEX effects_unfinished ON effects (key, seq) WHERE state <> 'closed'`);
    await runner.query(`CREATE INDEX effects_key ON effects (key)`);
    await runner.query(createPartitionFunction(['outbox'], { inbox: true }));
    await runner.query(`SELECT make_partitions(7)`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('the shared tables hold events that are not published yet: they are not dropped'));
  }
}
