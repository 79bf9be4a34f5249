import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '@order-events/store';
import { reasonOf } from '../reason';

const PATIENCE_MS = 120_000;
const PAUSE_MS = 500;

/**
 * Does what is safe to repeat until it succeeds, for whoever is started beside what it needs. Says what it waits for, and
 * rejects with the last reason when two minutes were not enough.
 */
export async function untilItSucceeds(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let said = '';
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      const reason = reasonOf(error);
      if (reason !== said) process.stdout.write(`waiting for ${what}: ${reason}\n`);
      said = reason;
    }
    await sleep(PAUSE_MS);
  }
}

/** Resolves when the database answers. */
export async function databaseAnswers(url: string): Promise<void> {
  // A connection that breaks is made again for the next question.
  const database = new Database({ url, connections: 1, applicationName: 'setup', onError: () => undefined });
  await untilItSucceeds('the database', () => database.query('SELECT 1')).finally(() => database.close());
}
