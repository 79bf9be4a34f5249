import { OutboxDatabase } from '../../test/outbox-database';

let database: OutboxDatabase;
beforeEach(async () => {
  database = await OutboxDatabase.create();
});
afterEach(() => database.close());

test('processes that all have lost their connections, as when Postgres was killed, look after each other without a deadlock', async () => {
  const stores = Array.from({ length: 6 }, () => database.store());
  const watch = () => Promise.all(stores.map(({ presence }) => presence.watch(60_000)));
  await watch();
  for (let round = 0; round < 50; round++) {
    await database.sql(`UPDATE processes SET backend_start = '2000-01-01', lost_at = NULL`);
    await watch();
  }
  await watch();
  expect(await database.sql('SELECT FROM processes WHERE lost_at IS NOT NULL')).toEqual([]);
});
