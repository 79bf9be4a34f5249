import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Calls are claimed in another order: those that were made least often come first. */
export class EffectsByTurn1790000000230 implements MigrationInterface {
  name = 'EffectsByTurn1790000000230';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX effects_due');
    await runner.query(`CREATE INDEX effects_by_turn ON effects (attempts, due_at) WHERE state = 'open'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX effects_by_turn');
    await runner.query(`CREATE INDEX effects_due ON effects (due_at) WHERE state = 'open'`);
  }
}
