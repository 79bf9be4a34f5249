import { testDatabase, withClient } from '@order-events/testing';
import { migrate } from '../migrate';
import { SharedTables1790000000000 } from '../migrations/1790000000000-shared-tables';
import { PostgresStore } from './store';

const HOUR_MS = 3_600_000;

test('an effect whose runner is gone is called by another long before its lease ends', async () => {
  const { url, drop } = await testDatabase();
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [SharedTables1790000000000] });
  const make = (applicationName: string) =>
    new PostgresStore({ url, connections: 2, applicationName, onError: () => undefined });
  const [dying, other] = [make('dying'), make('other')];
  const claim = (store: PostgresStore) => store.claimEffects(['test.call'], 10, HOUR_MS);

  await dying.transact((tx) => tx.intend([{ kind: 'test.call', key: 'a', idempotencyKey: 'a.one', input: {} }]));
  // Its connection for wake-ups is what shows that it lives.
  await dying.wait('effects', HOUR_MS, new AbortController().signal);
  await withClient(url, async (client) => {
    const listening = async () =>
      (await client.query(`SELECT FROM pg_stat_activity WHERE application_name = 'dying' AND query ILIKE '%pg_%'`))
        .rowCount;
    while (!(await listening())) await new Promise(setImmediate);
  });
  expect(await claim(dying)).toHaveLength(1);
  expect(await claim(other)).toEqual([]);

  await withClient(url, (client) =>
    client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dying'`),
  );
  let found = await claim(other);
  while (found.length === 0) found = await claim(other);
  expect(found).toMatchObject([{ idempotencyKey: 'a.one', attempts: 1 }]);

  await Promise.all([dying.close(), other.close()]);
  await drop();
});
