import { systemRuntime } from '@order-events/messaging';
import { storeContract } from '@order-events/testing';
import { MemoryDatabase } from './database';
import { MemoryStore } from './store';

storeContract('MemoryStore', () => {
  const database = new MemoryDatabase(systemRuntime);
  const another = () => new MemoryStore(database, systemRuntime);
  const [store, other] = [another(), another()];
  return Promise.resolve({
    store,
    other,
    another,
    moveHorizon: (before) => Promise.resolve(void (database.horizon = before)),
    close: async () => {
      await store.close();
      await other.close();
    },
  });
});
