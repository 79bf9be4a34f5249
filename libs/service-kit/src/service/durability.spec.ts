import { pino } from 'pino';
import { Database } from '@order-events/store';
import { testDatabase } from '@order-events/testing';
import { dangersOf, durabilityWarning, warnOfDurability } from './durability';

const safe = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', standbys: '', followers: 0 };

test.each([
  [safe, []],
  [{ ...safe, fsync: 'off' }, [/^fsync/]],
  [{ ...safe, full_page_writes: 'off' }, [/^full_page_writes/]],
  [{ ...safe, synchronous_commit: 'off' }, [/^synchronous_commit/]],
  [{ ...safe, followers: 1 }, [/asynchronously/]],
  [{ ...safe, followers: 1, standbys: 'ANY 1 (*)' }, []],
  [{ ...safe, followers: 1, standbys: 'ANY 1 (*)', synchronous_commit: 'local' }, [/asynchronously/]],
  [{ ...safe, fsync: 'off', synchronous_commit: 'off', followers: 1 }, [/^fsync/, /^synchronous/, /asynchronously/]],
])('%j', (settings, expected) => {
  expect(dangersOf(settings)).toEqual(expected.map((pattern) => expect.stringMatching(pattern) as unknown));
});

test('one sentence names the database; the server of tests does not wait for its disk', async () => {
  const { url, drop } = await testDatabase();
  const database = new Database({ url, connections: 1, applicationName: 'test', onError: () => undefined });
  const name = new URL(url).pathname.slice(1);
  expect(await durabilityWarning(database)).toMatch(
    new RegExp(
      `^the database ${name} does not keep .*: fsync is off, .*; full_page_writes is off, .*; synchronous_commit`,
    ),
  );
  await database.close();
  await drop();
});

test('nothing is said of a database that keeps what it commits', async () => {
  const row = { name: 'inventory', ...safe };
  expect(await durabilityWarning({ query: () => Promise.resolve([row] as never) })).toBeUndefined();
});

test('a database that cannot be asked does not keep the others from being told of', async () => {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const away = { query: () => Promise.reject(new Error('nobody is there')) };
  const careless = { query: () => Promise.resolve([{ name: 'events', ...safe, fsync: 'off' }] as never) };
  await warnOfDurability([away, careless], log);
  expect(lines).toMatchObject([
    { level: 40, err: { message: 'nobody is there' } },
    { level: 40, msg: expect.stringMatching(/^the database events .*fsync is off/) },
  ]);
});
