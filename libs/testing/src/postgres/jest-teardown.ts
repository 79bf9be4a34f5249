import { rmSync } from 'node:fs';
import { closeBrokerRun } from '../brokers/run';

/** Jest's global teardown: ends what the setup and the tests started. */
export default async function teardown(): Promise<void> {
  await closeBrokerRun();
  if (!globalThis.testPostgres) return;
  const { server, directory } = globalThis.testPostgres;
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
  // Another run in this process starts one of its own.
  delete globalThis.testPostgres;
  delete process.env.TEST_POSTGRES_URL;
}
