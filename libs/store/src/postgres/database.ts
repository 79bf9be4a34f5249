import { DatabaseError, Pool, types, type PoolClient, type QueryResult, type QueryResultRow } from 'pg';
import { StoreError } from '@order-events/messaging';

export interface DatabaseOptions {
  url: string;
  /** Most connections. */
  connections: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** A connection in the pool broke while nobody used it. */
  onError(error: Error): void;
}

/** A statement with a name is parsed and planned once per connection. */
export interface Statement {
  name: string;
  text: string;
}

export interface Queryable {
  query<R extends QueryResultRow>(statement: Statement | string, values?: readonly unknown[]): Promise<R[]>;
}

const INT8 = 20;
const STATEMENT_MS = 30_000;
/** For a server that takes a statement and never answers: its own time-out cannot help then. */
const SILENCE_MS = 35_000;
const IDLE_IN_TRANSACTION_MS = 30_000;
const CONNECT_MS = 5_000;

/** The hot path to Postgres: named statements on pg, with failures told apart by whose fault they are. */
export class Database implements Queryable {
  private readonly pool: Pool;
  private closing: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.pool = new Pool({
      connectionString: options.url,
      max: options.connections,
      application_name: options.applicationName,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: SILENCE_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      keepAlive: true,
      types: { getTypeParser: parserOf },
      // Statements that do not need each other's results are sent together, in one round trip.
      pipeline: true,
    });
    const onError = (error: Error) => {
      if (!this.closing) options.onError(error);
    };
    this.pool.on('error', onError);
    this.pool.on('connect', (client) => {
      // What a statement does is the same for every batch: to plan it anew for each costs more than to carry it out.
      client.query('SET plan_cache_mode = force_generic_plan').catch(onError);
    });
  }

  async query<R extends QueryResultRow>(statement: Statement | string, values: readonly unknown[] = []): Promise<R[]> {
    return (await run<R>(this.pool, statement, values)).rows;
  }

  /** Runs `work` between BEGIN and COMMIT, and ROLLBACK if it rejects or one of its statements failed. */
  async transact<R>(work: (session: Queryable) => Promise<R>): Promise<R> {
    const client = await this.pool.connect().catch((error: unknown) => {
      throw classify(error);
    });
    let broken = false;
    const onError = () => (broken = true);
    client.on('error', onError);
    const session = new Session(client);
    try {
      await session.query('BEGIN');
      const result = await work(session);
      await session.commit();
      return result;
    } catch (error) {
      // Of statements that are sent together the first that fails says why, those behind it only that something did.
      const reason = session.failure ?? error;
      // A connection that cannot roll back is of no use to the next transaction, and one that is gone need not be asked.
      if (isUnavailable(reason)) broken = true;
      else await client.query('ROLLBACK').catch(() => (broken = true));
      throw reason;
    } finally {
      session.end();
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return (this.closing ??= this.pool.end());
  }
}

/** The statements of one transaction. */
class Session implements Queryable {
  /** Why the transaction cannot be committed any more. */
  failure: StoreError | undefined;
  private ended = false;

  constructor(private readonly client: PoolClient) {}

  async query<R extends QueryResultRow>(statement: Statement | string, values: readonly unknown[] = []): Promise<R[]> {
    // The connection may belong to another transaction by now.
    if (this.ended) throw new Error('a statement came after the end of its transaction');
    try {
      return (await run<R>(this.client, statement, values)).rows;
    } catch (error) {
      this.failure ??= error as StoreError;
      throw error;
    }
  }

  async commit(): Promise<void> {
    if (this.failure) throw this.failure;
    const { command } = await run(this.client, 'COMMIT', []);
    // Postgres answers so, and with no error, when a statement had failed.
    if (command !== 'COMMIT') throw new StoreError('unavailable', `the transaction ended with ${command}`);
  }

  end(): void {
    this.ended = true;
  }
}

async function run<R extends QueryResultRow>(
  on: Pool | PoolClient,
  statement: Statement | string,
  values: readonly unknown[],
): Promise<QueryResult<R>> {
  try {
    const config = typeof statement === 'string' ? { text: statement } : statement;
    return await on.query<R>({ ...config, values: [...values] });
  } catch (error) {
    throw classify(error);
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'unavailable';
}

/** Whose fault is it? By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function classify(error: unknown): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof DatabaseError ? (error.code ?? '') : '';
  const ours = error instanceof TypeError || error instanceof RangeError;
  return new StoreError(ours ? 'rejected' : kindOf(code), code ? `${message} (SQLSTATE ${code})` : message, {
    cause: error,
  });
}

const CONTENDED = new Set(['40001', '40P01', '55P03', '57014', '25P03']);
/**
 * What the server says of the data that it was given. Anything else (connection, rights, a password, a missing table,
 * resources, an internal error) befalls whatever comes next just as well: blamed on the data, it would make dead letters
 * of a whole outbox.
 */
const REJECTED = /^(21|22|23|44|54|P0)/;

function kindOf(code: string): StoreError['kind'] {
  if (CONTENDED.has(code)) return 'contended';
  return REJECTED.test(code) ? 'rejected' : 'unavailable';
}

const parserOf = ((oid: number, format: 'text') =>
  oid === INT8 ? safeInteger : (types.getTypeParser(oid, format) as unknown)) as typeof types.getTypeParser;

/** Positions, versions and amounts stay far below 2^53; one that does not must not be rounded silently. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint that JavaScript cannot hold exactly: ${text}`);
  return value;
}
