import { randomUUID } from 'node:crypto';
import type { Message, Subscribe, Transport } from '@order-events/messaging';
import { eventually, withClient } from '@order-events/testing';
import { TestLog } from '../test/test-log';

let log: TestLog;
beforeEach(async () => {
  log = await TestLog.create();
});
afterEach(() => log.remove());

const event = (topic: string, key: string): Message => ({
  topic,
  key,
  headers: { 'ce-id': randomUUID(), 'content-type': 'application/json' },
  body: Buffer.from('{}'),
});

test('a replica of an older version does not move its group past a topic that only the newer one knows', async () => {
  const seen: string[] = [];
  const subscribe = (transport: Transport, topics: string[]) => {
    const handle: Subscribe['handle'] = (batch) => {
      seen.push(...batch.map(({ topic, key }) => `${topic} ${key}`));
      return Promise.resolve();
    };
    return transport.subscribe({ group: 'g', topics, batch: 10, waitMs: 0, inFlight: 100, parallel: 1, handle });
  };

  const older = log.open();
  await older.declare([{ topic: 'known', groups: ['g'] }]);
  const subscription = await subscribe(older, ['known']);
  await older.publish([event('known', 'a')]);
  await eventually(() => seen.includes('known a'));

  // The newer version's setup runs while only the older one is there, and its publisher starts at once.
  const newer = log.open();
  await newer.declare([
    { topic: 'known', groups: ['g'] },
    { topic: 'added', groups: ['g'] },
  ]);
  await newer.publish([event('added', 'b'), event('known', 'c')]);
  await eventually(() => seen.includes('known c') && seen.includes('added b'));

  await subscription.close();
  expect(await newer.backlog('g')).toBe(0);
});

test('a setup takes away what it knows that a group does not want, and leaves what only a newer version knows', async () => {
  const transport = log.open();
  await transport.declare([
    { topic: 'known', groups: ['g', 'h'] },
    { topic: 'moved', groups: ['g'] },
    { topic: 'added', groups: ['g'] },
  ]);
  const older = [
    { topic: 'known', groups: ['g', 'h'] },
    { topic: 'moved', groups: ['h'] },
  ];
  const places = () =>
    withClient(log.url, async (client) => {
      const { rows } = await client.query('SELECT DISTINCT reader, topics, epoch FROM log_cursor ORDER BY reader');
      return rows;
    });
  await transport.declare(older);
  const declared = await places();
  expect(declared).toMatchObject([
    { reader: 'g', topics: ['added', 'known'] },
    { reader: 'h', topics: ['known', 'moved'] },
  ]);
  // Nothing has changed, so whoever reads goes on.
  await transport.declare(older);
  expect(await places()).toEqual(declared);
});
