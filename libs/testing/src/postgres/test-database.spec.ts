import { withClient } from './client';
import { testDatabase } from './test-database';

const query = (url: string, sql: string) => withClient(url, async (client) => (await client.query(sql)).rows);

test('each call makes a database of its own, and drop removes it', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
  await query(one.url, 'CREATE TABLE t (id int)');
  await query(two.url, 'CREATE TABLE t (id int)');
  await one.drop();
  await expect(query(one.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
  expect(await query(two.url, 'SELECT count(*)::int FROM t')).toEqual([{ count: 0 }]);
  await two.drop();
});
