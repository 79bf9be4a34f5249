import { counterTables, storeContract, testDatabase } from '@order-events/testing';
import { migrate } from '../migrate';
import { sharedMigrations } from '../migrations';
import { Database } from './database';
import { PostgresStore } from './store';

async function open() {
  const { url, drop } = await testDatabase();
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  const make = () =>
    new PostgresStore({ url, connections: 5, applicationName: 'test', onError: (error) => errors.push(error) });
  const errors: Error[] = [];
  const setup = new Database({ url, connections: 1, applicationName: 'setup', onError: (error) => errors.push(error) });
  for (const statement of counterTables.split(';').filter((text) => text.trim())) await setup.query(statement);
  const [store, other] = [make(), make()];
  return {
    store,
    other,
    another: make,
    moveHorizon: async (before: string) => void (await setup.query('UPDATE inbox_horizon SET before = $1', [before])),
    close: async () => {
      await Promise.all([store.close(), other.close(), setup.close()]);
      await drop();
      expect(errors).toEqual([]);
    },
  };
}

storeContract('PostgresStore', open);
