import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { readState, stateFile } from '../src/start';
import { type TestSystem, testSystem, get, isAlive, until } from './test-system';

const made: TestSystem[] = [];
async function make(...options: Parameters<typeof testSystem>): Promise<TestSystem> {
  const fake = await testSystem(...options);
  made.push(fake);
  return fake;
}
afterEach(async () => {
  delete process.env.FAKE_SETUP_FAILS;
  delete process.env.FAKE_CRASHES;
  await Promise.all(made.splice(0).map((fake) => fake.remove()));
});

const allNames = ['sandbox', 'order-api', 'inventory', 'payment', 'logistics', 'email', 'postgres'];

test('starts, says where everything is, survives deaths, keeps its data, and leaves nothing behind', async () => {
  const { system, dataDirectory, portOffset, lines, again } = await make();
  await system.start();

  // What the tools read agrees with what runs, and only the owner may read it.
  const state = readState(dataDirectory);
  expect(state.instances.map(({ name }) => name).sort()).toEqual(allNames.filter((n) => n !== 'postgres').sort());
  expect(state.api_urls).toEqual([`http://127.0.0.1:${3000 + portOffset}`]);
  expect(Object.keys(state.database_urls).sort()).toEqual(
    ['email', 'events', 'inventory', 'logistics', 'order_api', 'payment', 'sandbox'].sort(),
  );
  for (const file of ['system.json', 'secrets.json']) {
    expect(statSync(join(dataDirectory, file)).mode & 0o777).toBe(0o600);
  }

  // A service finds the others in its environment.
  const api = system.apiUrls[0]!;
  expect(await get(`${api}/env`)).toMatchObject({
    HOST: '127.0.0.1',
    PORT: String(3000 + portOffset),
    OPERATOR_PORT: String(3001 + portOffset),
    TRANSPORT: 'postgres',
    DATABASE_URL: state.database_urls.order_api,
    EVENTS_DATABASE_URL: state.database_urls.events,
    GATEWAY_URL: `http://127.0.0.1:${3900 + portOffset}/gateway`,
    SMTP_URL: `smtp://127.0.0.1:${1025 + portOffset}`,
  });

  // Killed services and a killed database come back with their data.
  expect(await get(`${api}/visit`)).toEqual({ id: '1' });
  const before = system.pid('order-api')!;
  system.kill('order-api', 'SIGKILL');
  system.kill('postgres', 'SIGKILL');
  await until(() => ![undefined, before].includes(system.pid('order-api')) && lines.some(isRestartOfPostgres));
  await until(() => system.pid('postgres') !== undefined);
  await system.ready();
  expect(await get(`${api}/visits`)).toBe(1);
  expect(lines).toContain('start | order-api: ended by SIGKILL; starting it again in 0.2 s');
  expect(readState(dataDirectory).instances.find(({ name }) => name === 'order-api')?.pid).toBe(
    system.pid('order-api'),
  );

  // Nothing is left after a stop, and the next start finds the data.
  const pids = allNames.map((name) => system.pid(name)!);
  expect(pids.every(isAlive)).toBe(true);
  await system.stop();
  expect(pids.some(isAlive)).toBe(false);
  expect(existsSync(stateFile(dataDirectory))).toBe(false);

  const second = again();
  await second.start();
  expect(await get(`${api}/visits`)).toBe(1);
  await second.stop();

  const fresh = again({ fresh: true });
  await fresh.start();
  expect(await get(`${api}/visits`)).toBe(0);
});

const isRestartOfPostgres = (line: string) => line.startsWith('start | postgres: ended; starting it again');

test('a service can change rows but no tables, and enters no database but its own', async () => {
  const { system } = await make({ replicas: 2 });
  await system.start();
  expect(system.apiUrls).toHaveLength(2);
  expect(await get(`${system.apiUrls[1]}/visit`)).toEqual({ id: '1' });
  expect(await get(`${system.apiUrls[0]}/visits`)).toBe(1);
  expect(await get(`${system.apiUrls[0]}/drop`)).toBe('must be owner of table visits');

  const foreign = new URL(system.databaseUrls.email!);
  foreign.pathname = '/payment';
  const client = new Client({ connectionString: foreign.href });
  await expect(client.connect()).rejects.toThrow('permission denied for database "payment"');
});

test('a busy port stops the start with its number, who wants it, and the way out', async () => {
  const { system, portOffset } = await make();
  const squatter = createServer().listen(3011 + portOffset, '127.0.0.1');
  await once(squatter, 'listening');
  const error: Error = (await system.start().catch((reason: Error) => reason)) as Error;
  expect(error.message).toContain(`Port ${3011 + portOffset}, for inventory (OPERATOR_PORT), is in use`);
  expect(error.message).toContain('PORT_OFFSET');
  expect(error.message.split('\n')).toHaveLength(2);
  squatter.close();
});

test('a second system on the same data is refused, and the first one goes on', async () => {
  const { system, again, portOffset, dataDirectory } = await make();
  await system.start();
  await expect(again({ portOffset: portOffset + 7 }).start()).rejects.toThrow(/is running already \(pid \d+\)/);
  await system.ready();
  expect(existsSync(stateFile(dataDirectory))).toBe(true);
});

test('a setup that fails ends the start', async () => {
  process.env.FAKE_SETUP_FAILS = 'yes';
  const { system, lines } = await make();
  await expect(system.start()).rejects.toThrow('The setup ended with exit code 1.');
  expect(lines).toContain('setup | the migration does not fit');
});

test('a service that does not stay up ends the start', async () => {
  process.env.FAKE_CRASHES = 'yes';
  const { system, lines } = await make();
  await expect(system.start()).rejects.toThrow(/does not stay up/);
  expect(lines).toContain('start | inventory: ended with exit code 1; starting it again in 0.4 s');
});

test('stopping during the start ends it and leaves nothing', async () => {
  const { system, lines } = await make();
  const starting = system.start();
  const ended = expect(starting).rejects.toThrow();
  await until(() => lines.includes('start | starting the services …'));
  await system.stop();
  await ended;
  for (const name of allNames) expect(system.pid(name)).toBeUndefined();
});
