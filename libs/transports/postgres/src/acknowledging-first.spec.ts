import { randomUUID } from 'node:crypto';
import type { Message } from '@order-events/messaging';
import { eventually } from '@order-events/testing';
import { Client } from 'pg';
import { TestLog } from '../test/test-log';
import type { PostgresTransport } from './transport';

let log: TestLog;
let transport: PostgresTransport;
let other: Client;
let observer: Client;
beforeEach(async () => {
  log = await TestLog.create();
  // What a transaction has seen of others' activity stays as it is, so the looks are another connection's.
  [other, observer] = [new Client(log.url), new Client(log.url)];
  await Promise.all([other.connect(), observer.connect()]);
  transport = log.open();
  await transport.declare([{ topic: 'things', groups: ['g'] }]);
});
afterEach(async () => {
  await Promise.all([other.end(), observer.end()]);
  await log.remove();
});

const publish = (key: string) =>
  transport.publish([{ topic: 'things', key, headers: { 'ce-id': randomUUID() }, body: Buffer.from('{}') }]);

const isSaveHeldUp = async () => {
  const { rows } = await observer.query(
    `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
       AND query LIKE 'UPDATE log_cursor%SET last%'`,
  );
  return rows.length > 0;
};

test('what another has taken over while it was acknowledged is not handed over here', async () => {
  const handed: string[] = [];
  const handle = async (batch: readonly Message[]) => void handed.push(...batch.map(({ key }) => key));
  const limits = { batch: 100, waitMs: 1, inFlight: 1000, parallel: 4 };
  const subscription = await transport.subscribe({
    ...limits,
    group: 'g',
    topics: ['things'],
    acknowledgeFirst: true,
    handle,
  });
  try {
    await publish('before');
    await eventually(() => handed.includes('before'));

    await other.query('BEGIN');
    await other.query(`UPDATE log_cursor SET epoch = epoch + 1, owner = NULL, until = NULL WHERE reader = 'g'`);
    await publish('meanwhile');
    await eventually(isSaveHeldUp);
    await other.query('COMMIT');

    // Whoever owns the partition now reads it again, and here that is the same member.
    await eventually(() => handed.includes('meanwhile'));
    await publish('after');
    await eventually(() => handed.includes('after'));
    expect(handed).toEqual(['before', 'meanwhile', 'after']);
    expect(log.errors.some(({ message }) => /lost partition/.test(message))).toBe(true);
  } finally {
    await subscription.close();
  }
});
