import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import type { ServiceDatabase } from '@order-events/testing';
import { migrations } from '../src/store/migrations';

export const database: ServiceDatabase<PostgresStore> = {
  migrate: (ownerUrl) =>
    migrate({ ownerUrl, loginRole: 'postgres', migrations: [SharedTables1790000000000, ...migrations] }),
  store: (session) => new PostgresStore({ ...session, connections: 5 }),
};
