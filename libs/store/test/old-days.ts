import { entry } from '@order-events/testing';
import { migrate } from '../src/migrate';
import { sharedMigrations } from '../src/migrations';
import { testDatabase, withClient } from '@order-events/testing';
import type { OutboxDatabase } from './outbox-database';

/** Makes the partition of the day that was so many days ago, as it would have been made then; returns its name. */
export async function partitionOf(
  database: OutboxDatabase,
  table: 'outbox' | 'inbox',
  daysAgo: number,
): Promise<string> {
  const from = (day: string) =>
    table === 'inbox' ? `quote_literal(first_uuid_of(${day}))` : `quote_literal(${day} || ' 00:00+00')`;
  const [made] = await database.sql<{ name: string }>(
    `SELECT make_partition('${table}', to_char(day, 'YYYYMMDD'), ${from('day')}, ${from('(day + 1)')}),
       '${table}_' || to_char(day, 'YYYYMMDD') AS name
     FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date - $1::integer AS day) d`,
    [daysAgo],
  );
  return made!.name;
}

/** Appends to the outbox what would have been appended so many days ago. */
export async function appendedAgo(database: OutboxDatabase, daysAgo: number, ...keys: string[]): Promise<void> {
  await database.sql(
    `INSERT INTO outbox (id, topic, key, headers, body, created_at)
     SELECT gen_random_uuid(), $1, key, '{}', '', clock_timestamp() - $2 * interval '1 day' FROM unnest($3::text[]) AS key`,
    [entry().topic, daysAgo, keys],
  );
}

/** An event id that was made so many days ago; `n` tells apart those of one day. */
export function idOfDay(daysAgo: number, n = 0): string {
  const time = (Date.now() - daysAgo * 86_400_000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(n).padStart(12, '0')}`;
}

/** The names of a table's partitions. */
export async function partitions(database: OutboxDatabase, table: string): Promise<string[]> {
  const rows = await database.sql<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** A database with two roles, as a service has it: the owner of the tables, and one that may only write rows. */
export async function withRoles(): Promise<{ ownerUrl: string; loginUrl: string; drop(): Promise<void> }> {
  const { url, drop } = await testDatabase();
  const name = new URL(url).pathname.slice(1);
  const [owner, login] = [`${name}_owner`, `${name}_login`];
  const as = (role: string) => Object.assign(new URL(url), { username: role, password: 'secret' }).href;
  await withClient(url, async (client) => {
    for (const role of [owner, login]) await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    await client.query(`ALTER DATABASE ${name} OWNER TO ${owner}`);
  });
  await migrate({ ownerUrl: as(owner), loginRole: login, migrations: [...sharedMigrations] });
  return {
    ownerUrl: as(owner),
    loginUrl: as(login),
    drop: async () => {
      await drop();
      await withClient(process.env.TEST_POSTGRES_URL!, (client) => client.query(`DROP ROLE ${owner}, ${login}`));
    },
  };
}
