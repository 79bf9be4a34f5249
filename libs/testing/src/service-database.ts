import type { Store, Tables } from '@order-events/messaging';
import { withClient } from './postgres/client';
import { testDatabase, type TestDatabase } from './postgres/test-database';

/** How a service makes its own database and opens it. */
export interface ServiceDatabase<S extends Store = Store> {
  /** Makes its tables in an empty database. */
  migrate(ownerUrl: string): Promise<unknown>;
  store(session: StoreSession): S;
}

export interface StoreSession {
  url: string;
  /** By this name the database tells who is who. */
  applicationName: string;
  /** Of a connection that nobody is using. */
  onError(error: Error): void;
}

/** What reads the tables as entities, such as TypeORM's DataSource. */
interface EntitySource {
  initialize(): Promise<unknown>;
  destroy(): Promise<void>;
}

/**
 * Opens a new database of the service for the tests of a file, and empties its tables before each of them. After the
 * last one it expects that no connection has failed meanwhile.
 * @returns what is open while the tests run.
 */
export function openServiceDatabase<S extends Store, E extends EntitySource>(
  { migrate, store }: ServiceDatabase<S>,
  tables: Tables,
  entities: (url: string) => E,
): { readonly store: S; readonly source: E } {
  const names = Object.values(tables).map(({ name }) => name);
  const errors: Error[] = [];
  let database: TestDatabase;
  let open: { store: S; source: E };

  beforeAll(async () => {
    database = await testDatabase();
    const { url } = database;
    await migrate(url);
    const onError = (error: Error) => void errors.push(error);
    open = { store: store({ url, applicationName: 'test', onError }), source: entities(url) };
    await open.source.initialize();
  });
  beforeEach(() => withClient(database.url, (client) => client.query(`TRUNCATE ${names.join(', ')}`)));
  afterAll(async () => {
    await Promise.all([open.store.close(), open.source.destroy()]);
    await database.drop();
    expect(errors).toEqual([]);
  });

  return {
    get store() {
      return open.store;
    },
    get source() {
      return open.source;
    },
  };
}
