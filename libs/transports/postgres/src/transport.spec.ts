import { migrate } from '@order-events/store/migrate';
import { testDatabase, transportConformance } from '@order-events/testing';
import { eventsMigrations } from './migrations';
import { PostgresTransport } from './transport';

transportConformance('PostgresTransport', async () => {
  const { url, drop } = await testDatabase();
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: eventsMigrations });
  return {
    connect: () =>
      new PostgresTransport({ url, connections: 4, applicationName: 'test', prefix: 'test.', onError: () => {} }),
    close: drop,
  };
});
