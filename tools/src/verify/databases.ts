import { Client } from 'pg';
import { services } from '../start';

/** The rows of a query on one service's database. The same question is asked only once. */
export type Ask = <R extends object>(database: string, sql: string) => Promise<R[]>;

export interface Databases {
  ask: Ask;
  close(): Promise<void>;
}

/** Connects to all databases, by name. */
export async function openDatabases(urls: Readonly<Record<string, string>>): Promise<Databases> {
  const clients = new Map<string, Client>();
  for (const [name, connectionString] of Object.entries(urls)) {
    const client = new Client({ connectionString });
    await client.connect();
    clients.set(name, client);
  }
  const answers = new Map<string, Promise<object[]>>();
  return {
    ask<R extends object>(database: string, sql: string) {
      const client = clients.get(database);
      if (!client) throw new Error(`There is no database "${database}".`);
      const question = `${database}: ${sql}`;
      const answer = answers.get(question) ?? client.query<R>(sql).then(({ rows }) => rows);
      answers.set(question, answer);
      return answer as Promise<R[]>;
    },
    close: async () => void (await Promise.all([...clients.values()].map((client) => client.end()))),
  };
}

/** URLs of all databases of a system on one server, by name. `server` says where it is, and as whom to read them. */
export function databasesAt(server: string): Record<string, string> {
  return Object.fromEntries(
    services.map(({ database }) => [database, Object.assign(new URL(server), { pathname: `/${database}` }).href]),
  );
}
