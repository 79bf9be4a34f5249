import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outside's ledger: what was asked of it and answered, what it did, and the mails it received. */
export class Ledger1790000000000 implements MigrationInterface {
  name = 'Ledger1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE calls (
        api             text NOT NULL CHECK (api IN ('gateway', 'carrier')),
        idempotency_key text NOT NULL,
        kind            text NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund', 'ship')),
        order_id        text NOT NULL,
        amount          bigint,
        currency        text,
        fingerprint     text NOT NULL,
        status          integer NOT NULL,
        -- json keeps the text as it is: a repeat is answered byte for byte
        answer          json NOT NULL,
        created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (api, idempotency_key)
      )`);
    await runner.query(`
      CREATE TABLE authorizations (
        authorization_id text PRIMARY KEY,
        order_id         text NOT NULL,
        amount           bigint NOT NULL CHECK (amount >= 0),
        currency         text NOT NULL,
        token            text NOT NULL,
        state            text NOT NULL CHECK (state IN ('authorized', 'captured', 'voided')),
        capture_id       text UNIQUE CHECK ((capture_id IS NOT NULL) = (state = 'captured')),
        captured         bigint NOT NULL CHECK (captured BETWEEN 0 AND amount),
        refunded         bigint NOT NULL CHECK (refunded BETWEEN 0 AND captured),
        created_at       timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    await runner.query(`
      CREATE TABLE shipments (
        tracking_number text PRIMARY KEY,
        order_id        text NOT NULL,
        carrier         text NOT NULL,
        address         json,
        items           json NOT NULL,
        created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    await runner.query(`
      CREATE TABLE mails (
        mail_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id  text NOT NULL UNIQUE,
        order_id    text,
        recipient   text NOT NULL,
        subject     text NOT NULL,
        text        text,
        html        text,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        -- 0: it was only told to come again later
        copies      integer NOT NULL
      )`);
    for (const table of ['calls', 'authorizations', 'shipments', 'mails']) {
      await runner.query(`CREATE INDEX ${table}_order_id ON ${table} (order_id)`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE calls, authorizations, shipments, mails');
  }
}
