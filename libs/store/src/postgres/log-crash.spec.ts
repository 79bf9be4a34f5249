import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entry, eventually, freePort, startPostgres, withClient } from '@order-events/testing';
import { drain } from '../../test/outbox-database';
import { migrate } from '../migrate';
import { sharedMigrations } from '../migrations';
import { PostgresStore } from './store';

test('a place that was read before a crash of Postgres is not saved after it, and nothing is skipped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'log-crash-'));
  // A durable server, as the promise needs it: what was committed is there after the crash, and nothing else.
  const options = { directory: join(directory, 'postgres'), port: await freePort(), password: 'secret' };
  const before = await startPostgres(options);
  const { url } = before;
  await migrate({ ownerUrl: url, loginRole: 'postgres', migrations: [...sharedMigrations] });
  await withClient(url, async (client) => {
    await client.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
    await client.query('SELECT pg_reload_conf()');
  });
  const store = new PostgresStore({ url, connections: 2, applicationName: 'test', onError: () => undefined });
  const log = store.outbox();
  await eventually(() => log.lease(600_000));
  await store.transact((tx) => tx.append([entry('a')]));

  // Transactions that fail leave nothing on the disk, not even their numbers, and after a crash these are given out again.
  const failing = store.transact(async (tx) => {
    await tx.append([entry('never')]);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect((await log.page(10)).map(({ key }) => key)).toEqual(['a']);
  await before.kill9();
  const after = await startPostgres(options);

  const answers = () =>
    store.ping().then(
      () => true,
      () => false,
    );
  await eventually(answers);
  await log.commit([]).catch(() => log.rewind());
  await store.transact((tx) => tx.append([entry('b')]));
  await eventually(() => log.lease(600_000).catch(() => false));
  expect((await drain(log)).map(({ key }) => key)).toContain('b');

  await store.close();
  await after.stop();
  rmSync(directory, { recursive: true });
});
