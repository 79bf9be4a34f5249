import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Orders, what happened to them, and what the door and the deadlines need beside them. */
export class Orders1790000001000 implements MigrationInterface {
  name = 'Orders1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE products (
        product_id text PRIMARY KEY,
        name text NOT NULL,
        price bigint NOT NULL CHECK (price >= 0),
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$')
      )`);
    await runner.query(`
      CREATE TABLE orders (
        order_id text PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'confirmed', 'paid', 'completed', 'cancelled')),
        user_id text NOT NULL,
        items jsonb NOT NULL CHECK (jsonb_array_length(items) > 0),
        total bigint NOT NULL CHECK (total >= 0),
        currency text NOT NULL,
        email text,
        shipping_address jsonb,
        payment_token text,
        placed_at bigint NOT NULL,
        inventory text CHECK (inventory = 'reserved'),
        payment text CHECK (payment IN ('authorized', 'captured', 'voided', 'refunded')),
        cancel_reason text,
        carrier text,
        tracking_number text,
        deadline bigint,
        CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL)),
        CHECK (status NOT IN ('confirmed', 'paid', 'completed') OR inventory IS NOT NULL),
        CHECK (status <> 'confirmed' OR payment IS NOT DISTINCT FROM 'authorized'),
        CHECK (status NOT IN ('paid', 'completed') OR payment IS NOT DISTINCT FROM 'captured'),
        CHECK (status <> 'completed' OR (carrier IS NOT NULL AND tracking_number IS NOT NULL))
      )`);
    // The lists of orders are read newest first, a page at a time, from the last order of the page before.
    await runner.query(`CREATE INDEX orders_of_user ON orders (user_id, placed_at DESC, order_id DESC)`);
    await runner.query(`CREATE INDEX orders_in_status ON orders (status, placed_at DESC, order_id DESC)`);
    await runner.query(`CREATE INDEX orders_by_time ON orders (placed_at DESC, order_id DESC)`);
    // Both stay as small as the number of orders that are under way.
    await runner.query(`CREATE INDEX orders_with_deadline ON orders (deadline) WHERE deadline IS NOT NULL`);
    await runner.query(`
      CREATE INDEX orders_without_deadline ON orders (placed_at)
      WHERE deadline IS NULL AND status IN ('pending', 'confirmed', 'paid')`);
    await runner.query(`
      CREATE TABLE order_history (
        order_id text NOT NULL,
        version integer NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        event text NOT NULL,
        status text NOT NULL,
        detail jsonb NOT NULL,
        PRIMARY KEY (order_id, version)
      )`);
    await runner.query(`
      CREATE TABLE idempotency_keys (
        caller text NOT NULL,
        key text NOT NULL,
        fingerprint text NOT NULL,
        order_id text NOT NULL,
        status_code integer NOT NULL,
        body json NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (caller, key)
      )`);
    await runner.query(`CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)`);
    await runner.query(`
      CREATE TABLE deadline_clock (
        id integer PRIMARY KEY CHECK (id = 1),
        seconds double precision NOT NULL,
        ticked_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    await runner.query(`INSERT INTO deadline_clock (id, seconds) VALUES (1, 0)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE deadline_clock, idempotency_keys, order_history, orders, products`);
  }
}
