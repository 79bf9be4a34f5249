import { systemRuntime } from '@order-events/messaging';
import { storeContract } from '@order-events/testing';
import { MemoryDatabase } from './database';
import { MemoryStore } from './store';

storeContract('MemoryStore', () => {
  const database = new MemoryDatabase(systemRuntime);
  const [store, other] = [new MemoryStore(database, systemRuntime), new MemoryStore(database, systemRuntime)];
  return Promise.resolve({
    store,
    other,
    moveHorizon: (before) => Promise.resolve(void (database.horizon = before)),
    close: async () => {
      await store.close();
      await other.close();
    },
  });
});
