import type { Message } from '@order-events/messaging';
import { eventually, withClient } from '@order-events/testing';
import { TestLog } from '../test/test-log';

const TOPIC = 'order.created';
const OLD = 'log_20200101';

const message = (key: string): Message => ({ topic: TOPIC, key, headers: {}, body: Buffer.from('{}') });

test('a day of the log goes when it is old and every group has read it; a group that is behind keeps it and is named', async () => {
  const log = await TestLog.create();
  const transport = log.open();
  await transport.declare([{ topic: TOPIC, groups: ['fast', 'slow'] }]);
  const read: string[] = [];
  const subscribe = (group: string) =>
    transport.subscribe({
      ...{ group, topics: [TOPIC], batch: 10, waitMs: 0, inFlight: 100, parallel: 2 },
      handle: (batch) => Promise.resolve(void read.push(...batch.map(({ key }) => `${group} ${key}`))),
    });

  await transport.publish(['a', 'b', 'c'].map(message));
  await withClient(log.url, async (client) => {
    await client.query(
      `SELECT make_partition('log', '20200101', quote_literal('2020-01-01 00:00+00'), quote_literal('2020-01-02 00:00+00'))`,
    );
    await client.query(`UPDATE log SET created_at = '2020-01-01 12:00+00'`);
  });
  const fast = await subscribe('fast');
  await eventually(async () => (await transport.forgetLog(7)).kept[0]?.kept_for === 'slow');
  expect(await transport.forgetLog(7)).toEqual({ dropped: [], kept: [{ name: OLD, kept_for: 'slow' }] });
  const slow = await subscribe('slow');
  await eventually(async () => (await transport.forgetLog(7)).dropped.includes(OLD));
  expect(read.sort()).toEqual(['a', 'b', 'c'].flatMap((key) => [`fast ${key}`, `slow ${key}`]).sort());

  // The groups go on where they were.
  await transport.publish([message('d')]);
  await eventually(() => read.includes('fast d') && read.includes('slow d'));
  expect(read).toHaveLength(8);
  await Promise.all([fast.close(), slow.close()]);
  await log.remove();
  expect(log.errors).toEqual([]);
});
