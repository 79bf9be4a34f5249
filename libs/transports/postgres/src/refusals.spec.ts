import { migrate } from '@order-events/store/migrate';
import { message, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { read, type Arrival } from '@order-events/messaging';
import { eventsMigrations } from './migrations';
import { PostgresTransport } from './transport';

let database: TestDatabase;
let transport: PostgresTransport;
beforeEach(async () => {
  database = await testDatabase();
  const { url } = database;
  transport = new PostgresTransport({ url, connections: 2, applicationName: 'test', prefix: '', onError: () => {} });
});
afterEach(async () => {
  await transport.close();
  await database.drop();
});

test('a log that is not there yet refuses nothing: what was to be published stays in the outbox', async () => {
  expect(await transport.publish([message()])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
});

test('rows that somebody put into the log by hand reach the pipeline, and hold up nothing behind them', async () => {
  await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations: eventsMigrations });
  await transport.declare([{ topic: 'order.created', groups: ['g'] }]);
  const headers = ['null', '[]', '"text"', '7', '{"content-type": 7}', '{"ce-id": ["x"], "ce-type": null}'];
  await withClient(database.url, (client) =>
    client.query(
      `INSERT INTO log (partition, id, topic, key, headers, body)
       SELECT 0, gen_random_uuid(), 'order.created', 'k', headers, '{}' FROM unnest($1::json[]) AS headers`,
      [headers],
    ),
  );
  const arrivals: Arrival[] = [];
  let seenAll = () => {};
  const all = new Promise<void>((resolve) => (seenAll = resolve));
  const subscription = await transport.subscribe({
    group: 'g',
    topics: ['order.created'],
    batch: 10,
    waitMs: 0,
    inFlight: 100,
    parallel: 1,
    handle: (batch) => {
      arrivals.push(...batch.map((one) => read(one)));
      if (arrivals.length === headers.length) seenAll();
      return Promise.resolve();
    },
  });
  await all;
  await subscription.close();
  expect(arrivals.map(({ reading }) => reading.ok)).toEqual(headers.map(() => false));
});
