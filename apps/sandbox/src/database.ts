import { DatabaseError, Pool, type PoolClient, types } from 'pg';

/** Runs one statement and resolves with its rows. */
export type Query = <R extends object>(text: string, values?: readonly unknown[]) => Promise<R[]>;

/** The database is away, or too busy: the same request may succeed later. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable';
}

/** The ledger's Postgres. Connects when it is asked something, so it may come and go while the process lives. */
export class Database {
  private readonly pool: Pool;

  /** @param onIdleError told when a connection breaks that nobody is using */
  constructor(url: string, onIdleError: (error: Error) => void) {
    this.pool = new Pool({
      connectionString: url,
      max: 10,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 5_000,
      // For a server that takes the question and never answers: its own time-out cannot help.
      query_timeout: 7_000,
      idle_in_transaction_session_timeout: 10_000,
      types: { getTypeParser },
    });
    this.pool.on('error', onIdleError);
    // The pool listens only to idle clients; one that breaks between two statements would end the process. Whoever uses
    // it hears of it by its next statement.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  query: Query = async (text, values) => (await translated(() => this.pool.query(text, values && [...values]))).rows;

  /** Runs `work` in one transaction, and commits it if it resolves. */
  async transact<R>(work: (query: Query) => Promise<R>): Promise<R> {
    const client = await translated(() => this.pool.connect());
    try {
      const query: Query = async (text, values) =>
        (await translated(() => client.query(text, values && [...values]))).rows;
      await query('BEGIN');
      const result = await work(query);
      await query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      await rollBack(client);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** A connection on which not even that succeeds is not used again; closing it has the server roll back. */
async function rollBack(client: PoolClient): Promise<void> {
  await client.query('ROLLBACK').then(
    () => client.release(),
    (error: Error) => client.release(error),
  );
}

/** Classes of SQLSTATE: connection, rollback, resources, object in use, operator intervention, system. */
const passing = /^(08|40|53|55|57|58)/;

async function translated<R>(call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof DatabaseError && !passing.test(error.code ?? '')) throw error;
    throw new DatabaseUnavailable(`The database does not answer: ${(error as Error).message}`, { cause: error });
  }
}

/** Money is `bigint` in the tables and a safe integer in the program. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format);
}
