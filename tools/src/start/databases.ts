import { withClient } from '@order-events/testing';
import type { Client } from 'pg';
import type { Secrets } from './secrets';

/** URLs of one database. */
export interface DatabaseUrls {
  /** For the service: reads and writes rows. */
  login: string;
  /** For its setup: owns the database and changes its tables. */
  owner: string;
}

/** The same databases, for those who find the server at another port. */
export function atPort(databases: Readonly<Record<string, DatabaseUrls>>, port: number): Record<string, DatabaseUrls> {
  const moved = (url: string) => Object.assign(new URL(url), { port: String(port) }).href;
  return Object.fromEntries(
    Object.entries(databases).map(([name, { login, owner }]) => [name, { login: moved(login), owner: moved(owner) }]),
  );
}

export const rolesOf = (database: string) => ({ login: database, owner: `${database}_owner` });

/**
 * Makes databases with their two roles each, and closes them to everybody else. What is there already is left as it is.
 * What the login role may do with a table is granted by the setup that makes the table.
 */
export async function makeDatabases(
  superuserUrl: string,
  names: readonly string[],
  secrets: Secrets,
): Promise<Record<string, DatabaseUrls>> {
  await withClient(superuserUrl, async (client) => {
    await client.query('REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC');
    for (const name of names) await makeDatabase(client, name, secrets);
  });
  const url = (role: string, database: string) =>
    Object.assign(new URL(superuserUrl), { username: role, password: secrets[role], pathname: `/${database}` }).href;
  return Object.fromEntries(
    names.map((name) => {
      const { login, owner } = rolesOf(name);
      return [name, { login: url(login, name), owner: url(owner, name) }];
    }),
  );
}

async function makeDatabase(client: Client, name: string, secrets: Secrets): Promise<void> {
  const { login, owner } = rolesOf(name);
  for (const role of [login, owner]) {
    if (!(await exists(client, 'SELECT FROM pg_roles WHERE rolname = $1', role))) {
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(secrets[role] ?? '')}`);
    }
  }
  if (!(await exists(client, 'SELECT FROM pg_database WHERE datname = $1', name))) {
    await client.query(`CREATE DATABASE ${name} OWNER ${owner}`);
  }
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${login}`);
}

async function exists(client: Client, sql: string, name: string): Promise<boolean> {
  return (await client.query(sql, [name])).rowCount === 1;
}
