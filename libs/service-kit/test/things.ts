import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { SetupOptions } from '../src/service/setup';

class Things1790000001000 implements MigrationInterface {
  name = 'Things1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE things (name text PRIMARY KEY)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE things');
  }
}

/** A service with one table of its own. */
export const things: SetupOptions = {
  service: 'inventory',
  migrations: [Things1790000001000],
  async seed(session) {
    await session.query(`INSERT INTO things VALUES ('apple') ON CONFLICT DO NOTHING`);
  },
};
