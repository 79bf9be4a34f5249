import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import type { ServiceDatabase } from '@order-events/testing';
import { migrations } from '../src/store/migrations';

export const database: ServiceDatabase<PostgresStore> = {
  migrate: (ownerUrl) => migrate({ ownerUrl, loginRole: 'postgres', migrations: [...sharedMigrations, ...migrations] }),
  store: (session) => new PostgresStore({ ...session, connections: 5 }),
};
