import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The topics that were declared, those that no group wants included; setup declares them all right after this. */
export class DeclaredTopics1790000000001 implements MigrationInterface {
  name = 'DeclaredTopics1790000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE log_topic (topic text PRIMARY KEY)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE log_topic');
  }
}
