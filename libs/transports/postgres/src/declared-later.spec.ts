import { randomUUID } from 'node:crypto';
import { eventually, Seen, member, numbered, withClient } from '@order-events/testing';
import { TestLog } from '../test/test-log';

test('a group that is declared while others publish gets what they commit after that', async () => {
  const log = await TestLog.create();
  const transport = log.open();
  await transport.declare([{ topic: 'things', groups: ['first'] }]);
  await transport.publish([numbered(0)]);
  await withClient(log.url, async (client) => {
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
  await log.remove();
});
