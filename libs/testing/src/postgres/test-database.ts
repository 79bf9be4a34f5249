import { randomBytes } from 'node:crypto';
import { withClient } from './client';

export interface TestDatabase {
  /** With all rights. */
  url: string;
  /** Ends all sessions in it and removes it. */
  drop(): Promise<void>;
}

/** A new, empty database on the test run's server. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_POSTGRES_URL;
  if (!server) throw new Error('TEST_POSTGRES_URL is not set: the global setup of Jest sets it.');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withClient(server, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = async () =>
    void (await withClient(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  return { url: url.href, drop };
}
