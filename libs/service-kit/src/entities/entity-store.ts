import { DataSource, QueryFailedError, TypeORMError, type EntityManager, type EntitySchema } from 'typeorm';
import { classify } from '@order-events/store';
import type { OwnDatabase } from '../service/event-service';

export interface EntityStoreOptions extends OwnDatabase {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- entities of any row; `unknown` would not accept one
  entities: readonly EntitySchema<any>[];
}

/** These queries are not what a service is for: they must not take the connections of those that are. */
const CONNECTIONS = 4;
const CONNECT_MS = 5_000;
const STATEMENT_MS = 10_000;
const SILENCE_MS = 15_000;

/** A service's own database through TypeORM, for queries off the hot path. */
export class EntityStore {
  private readonly source: DataSource;
  private connecting: Promise<unknown> | undefined;
  private closed = false;

  constructor({ url, entities, applicationName, onError }: EntityStoreOptions) {
    this.source = new DataSource({
      type: 'postgres',
      url,
      entities: [...entities],
      applicationName,
      poolSize: CONNECTIONS,
      connectTimeoutMS: CONNECT_MS,
      poolErrorHandler: (error: Error) => {
        if (!this.closed) onError(error);
      },
      extra: {
        statement_timeout: STATEMENT_MS,
        query_timeout: SILENCE_MS,
        idle_in_transaction_session_timeout: STATEMENT_MS,
        keepAlive: true,
      },
      // The service's role may not make any.
      installExtensions: false,
    });
  }

  /**
   * @param work queries, and nothing else that may fail
   * @throws StoreError for the database's part
   */
  async query<R>(work: (entities: EntityManager) => Promise<R>): Promise<R> {
    try {
      await this.connected();
      return await work(this.source.manager);
    } catch (error) {
      if (error instanceof QueryFailedError) throw classify(error.driverError);
      // What TypeORM itself finds wrong is a defect of the query; what is left comes from the connection.
      throw error instanceof TypeORMError ? error : classify(error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    // Whoever asked for the connection has its error.
    await this.connecting?.catch(() => undefined);
    if (this.source.isInitialized) await this.source.destroy();
  }

  /** With the first query: a service starts while its database is away, and every query tries again until it is there. */
  private connected(): Promise<unknown> {
    this.connecting ??= this.source.initialize().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }
}
