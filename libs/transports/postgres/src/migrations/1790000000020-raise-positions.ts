import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createRaisePositions } from '@order-events/store';

/** For a log that was copied to another server without its sequence, as logical replication does. */
export class RaisePositions1790000000020 implements MigrationInterface {
  name = 'RaisePositions1790000000020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(createRaisePositions);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION raise_positions');
  }
}
