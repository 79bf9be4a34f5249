import { randomUUID } from 'node:crypto';
import { migrate } from '@order-events/store/migrate';
import { eventually, Seen, member, numbered, testDatabase, withClient } from '@order-events/testing';
import { eventsMigrations } from './migrations';
import { PostgresTransport } from './transport';

test('a group that is declared while others publish gets what they commit after that', async () => {
  const { url, drop } = await testDatabase();
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: eventsMigrations });
  const transport = new PostgresTransport({
    url,
    connections: 2,
    applicationName: 'test',
    prefix: '',
    onError: () => undefined,
  });
  await transport.declare([{ topic: 'things', groups: ['first'] }]);
  await transport.publish([numbered(0)]);
  await withClient(url, async (client) => {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO log (partition, id, topic, key, headers, body) VALUES (3, $1, 'things', 'k', '{"number": "1"}', '{}')`,
      [randomUUID()],
    );
    await transport.publish([numbered(2)]);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    expect(await transport.backlog('g')).toBe(0);
    await client.query('COMMIT');
  });
  expect(await transport.backlog('g')).toBe(1);
  await transport.publish([numbered(3)]);
  const seen = new Seen();
  const subscription = await member(transport, seen.handle);
  await eventually(() => seen.numbers.has(3) && seen.numbers.has(1));
  await subscription.close();
  expect(seen.total).toBe(2);
  await transport.close();
  await drop();
});
