import { migrate } from '@order-events/store/migrate';
import { testDatabase, transportConformance } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { eventsMigrations, LEASE_MS, PostgresTransport } from '@order-events/transport-postgres';
import { RoutedTransport } from './routed-transport';

/** As in the midst of a move: of the processes, every second one publishes to the other transport already. */
transportConformance('RoutedTransport', async () => {
  const { url, drop } = await testDatabase();
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: eventsMigrations });
  const broker = new MemoryBroker();
  const common = { applicationName: 'test', prefix: '', onError: () => {} };
  let connected = 0;
  const connect = () => {
    const parts = [
      new MemoryTransport({ ...common, broker }),
      new PostgresTransport({ ...common, url, connections: 4 }),
    ];
    const publishedTo = parts[connected++ % parts.length]!;
    return new RoutedTransport({ parts, route: () => [publishedTo] });
  };
  const put = (topic: string, body: Uint8Array) =>
    Promise.resolve(broker.publish([{ topic, key: '', headers: {}, body }]));
  // What the part over Postgres keeps for a member; the one in memory keeps it for as long as that lives.
  return { connect, put, claimMs: LEASE_MS, close: drop };
});
