import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { checkPort, freePort } from '../ports';
import { withClient } from './client';
import { type PostgresServer, startPostgres } from './server';

let parent: string;
let directory: string;
let port: number;
const servers: PostgresServer[] = [];

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'launcher-'));
  directory = join(parent, 'pg data');
  port = await freePort();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  rmSync(parent, { recursive: true, force: true });
});

async function start(log?: (line: string) => void): Promise<PostgresServer> {
  const server = await startPostgres({ directory, port, password: 'secret', log });
  servers.push(server);
  return server;
}

const query = (url: string, sql: string) => withClient(url, async (client) => (await client.query(sql)).rows);

/** Waits until so many other sessions are at work. */
async function busy(url: string, count: number): Promise<void> {
  const others = "SELECT FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()";
  while ((await query(url, others)).length < count);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('starts below a directory that only its owner may enter, answers, asks for the password, and stops', async () => {
  chmodSync(parent, 0o700);
  const server = await start();
  expect(await query(server.url, 'SHOW server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
  await expect(query(server.url.replace('secret', 'guess'), 'SELECT 1')).rejects.toThrow(/password authentication/);
  expect(isAlive(server.pid)).toBe(true);
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
});

test('keeps committed data over a kill -9 with sessions at work', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE t AS SELECT 42 AS answer');
  const sessions = Promise.allSettled(
    ['pg_sleep(3600)', 'sum(n) FROM generate_series(1, 5000000) n'].map(async (work) =>
      query(first.url, `SELECT ${work}`),
    ),
  );
  await busy(first.url, 2);
  await first.kill9();
  expect(isAlive(first.pid)).toBe(false);

  const second = await start();
  expect(await query(second.url, 'SELECT answer FROM t')).toEqual([{ answer: 42 }]);
  const [asleep] = await sessions;
  expect(asleep?.status).toBe('rejected');
});

test('a server that was left alive on the same directory is stopped first', async () => {
  const left = await start();
  const next = await start();
  expect(isAlive(left.pid)).toBe(false);
  expect(isAlive(next.pid)).toBe(true);
});

test('a postmaster.pid that names another program is no obstacle, and that program lives', async () => {
  const first = await start();
  const file = join(directory, 'postmaster.pid');
  const content = readFileSync(file, 'utf8');
  await first.stop();
  writeFileSync(file, content.replace(String(first.pid), String(process.pid)));
  const second = await start();
  expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a port in use is an error that names it', async () => {
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  await expect(start()).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use.`);
  squatter.close();
});

test('another password than that of the data is an error, and no server is left', async () => {
  await (await start()).stop();
  await expect(startPostgres({ directory, port, password: 'guess' })).rejects.toThrow(/password authentication/);
  await checkPort(port);
});

test('a server that ends instead of answering is an error with its log', async () => {
  await (await start()).stop();
  writeFileSync(join(directory, 'postgresql.conf'), 'no_such_setting = 1\n');
  await expect(start()).rejects.toThrow(/did not start in .*no_such_setting/s);
});

test('the log can be listened to', async () => {
  const lines: string[] = [];
  await start((line) => lines.push(line));
  expect(lines.join('\n')).toContain('database system is ready to accept connections');
});
