import { Database } from '@order-events/store';
import { testDatabase } from '@order-events/testing';
import { durabilityWarnings, warningsOf } from './durability';

const safe = { fsync: 'on', synchronous_commit: 'on', standbys: '', followers: 0 };

test.each([
  [safe, []],
  [{ ...safe, fsync: 'off' }, [/^fsync/]],
  [{ ...safe, synchronous_commit: 'off' }, [/^synchronous_commit/]],
  [{ ...safe, followers: 1 }, [/asynchronously/]],
  [{ ...safe, followers: 1, standbys: 'ANY 1 (*)' }, []],
  [{ ...safe, followers: 1, standbys: 'ANY 1 (*)', synchronous_commit: 'local' }, [/asynchronously/]],
])('%j', (settings, expected) => {
  expect(warningsOf(settings)).toEqual(expected.map((pattern) => expect.stringMatching(pattern) as unknown));
});

test('reads the settings of a real server, which for tests does not wait for its disk', async () => {
  const { url, drop } = await testDatabase();
  const database = new Database({ url, connections: 1, applicationName: 'test', onError: () => undefined });
  expect(await durabilityWarnings(database)).toContainEqual(expect.stringMatching(/^fsync is off/));
  await database.close();
  await drop();
});
