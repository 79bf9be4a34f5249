import { rmSync } from 'node:fs';

/** Jest's global teardown: ends what the setup started. */
export default async function teardown(): Promise<void> {
  if (!globalThis.testPostgres) return;
  const { server, directory } = globalThis.testPostgres;
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
