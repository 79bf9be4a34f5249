import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBrokerRun } from '../brokers/run';
import { freePort } from '../ports';
import { stopLeftover } from './leftover';
import { type PostgresServer, startPostgres } from './server';

declare global {
  var testPostgres: { server: PostgresServer; directory: string } | undefined;
}

const prefix = 'order-events-test-';

/**
 * Jest's global setup: one throw-away Postgres for the whole run, unless TEST_POSTGRES_URL names one, and a folder for
 * brokers, which are started when a test asks for one.
 */
export default async function setup(): Promise<void> {
  await openBrokerRun();
  if (process.env.TEST_POSTGRES_URL) return;
  await removeAbandoned();
  const directory = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  const server = await startPostgres({ directory, port: await freePort() });
  globalThis.testPostgres = { server, directory };
  process.env.TEST_POSTGRES_URL = server.url;
}

/** Runs that were killed could not clean up; their folders carry the pid of the run. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    if (isAlive(Number.parseInt(name.slice(prefix.length)))) continue;
    await stopLeftover(join(tmpdir(), name));
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
