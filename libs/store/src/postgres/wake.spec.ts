import { eventually, FaultProxy, testDatabase, type TestDatabase } from '@order-events/testing';
import { Database } from './database';
import { Wake } from './wake';

const LONG = 3_600_000;
const never = new AbortController().signal;

let server: TestDatabase;
let database: Database;
let errors: Error[];
let wakes: Wake[];
let proxy: FaultProxy | undefined;
beforeEach(async () => {
  [errors, wakes] = [[], []];
  server = await testDatabase();
  database = new Database({ url: server.url, connections: 1, applicationName: 'test', onError: () => {} });
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await Promise.all(wakes.map((wake) => wake.close()));
  await database.close();
  await server.drop();
});

/** Connected, and with nothing left of the news that it was. */
async function open(url = server.url) {
  const onError = (error: Error) => void errors.push(error);
  const wake = new Wake({ url, applicationName: 'wake', channels: ['log', 'other'], onError });
  wakes.push(wake);
  const listener = wake.listen('log');
  await listener.wait(LONG, never);
  return { wake, listener };
}

test('a poke reaches listeners here and in other processes, with its items, and only on its channel', async () => {
  const [here, there] = [await open(), await open()];
  const deaf = here.wake.listen('other');
  let heard = false;
  void deaf.wait(LONG, never).then(() => (heard = true));
  here.wake.poke('log', ['1', '2']);
  expect(await here.listener.wait(LONG, never)).toEqual(['1', '2']);
  expect(await there.listener.wait(LONG, never)).toEqual(['1', '2']);
  expect(heard).toBe(false);
  here.wake.poke('other');
  await eventually(() => heard);
});

test('many pokes at once come as few, and none of their items is lost', async () => {
  const [here, there] = [await open(), await open()];
  for (let n = 0; n < 200; n++) here.wake.poke('log', [String(n)]);
  const items = new Set<string>();
  let waits = 0;
  for (; items.size < 200; waits++) for (const item of await there.listener.wait(LONG, never)) items.add(item);
  expect(waits).toBeLessThan(20);
});

test('a wait ends by itself and on a signal, and a listener that has left hears nothing', async () => {
  const { wake, listener } = await open();
  expect(await listener.wait(1, never)).toEqual([]);
  const stop = new AbortController();
  const waiting = listener.wait(LONG, stop.signal);
  stop.abort();
  expect(await waiting).toEqual([]);
  expect(await listener.wait(LONG, stop.signal)).toEqual([]);
  wake.unlisten('log', listener);
  wake.poke('log', ['1']);
  expect(await listener.wait(1, never)).toEqual([]);
});

test('after its connection broke it connects again, says so to who waits, and hears again', async () => {
  const [here, there] = [await open(), await open()];
  const { pid } = there.wake.backend!;
  await database.query('SELECT pg_terminate_backend($1)', [pid]);
  // Whatever was notified meanwhile may be lost, so those who wait are sent to look.
  await there.listener.wait(LONG, never);
  expect(errors.length).toBeGreaterThan(0);
  expect(there.wake.backend!.pid).not.toBe(pid);
  here.wake.poke('log', ['1']);
  expect(await there.listener.wait(LONG, never)).toEqual(['1']);
});

test('a connection that has gone silent is given up, though nobody says that it has ended, and made again', async () => {
  const { hostname, port } = new URL(server.url);
  proxy = await FaultProxy.to({ host: hostname, port: Number(port) });
  const [here, there] = [await open(), await open(server.url.replace(`:${port}/`, `:${proxy.port}/`))];
  const { pid } = there.wake.backend!;
  proxy.blackHole();
  await database.query('SELECT pg_terminate_backend($1)', [pid]);
  await eventually(() => there.wake.backend === undefined);
  expect(errors).not.toEqual([]);
  await proxy.heal();
  await eventually(() => there.wake.backend !== undefined);
  expect(there.wake.backend!.pid).not.toBe(pid);
  await there.listener.wait(LONG, never);
  here.wake.poke('log', ['1']);
  expect(await there.listener.wait(LONG, never)).toEqual(['1']);
});

test('a connection on which what is in hand could not be carried over is ended, and another one is made', async () => {
  const pids: number[] = [];
  const wake = new Wake({
    url: server.url,
    applicationName: 'wake',
    channels: ['log'],
    onConnected: ({ pid }) => (pids.push(pid) === 1 ? Promise.reject(new Error('deadlock')) : Promise.resolve()),
    onError: (error) => void errors.push(error),
  });
  wakes.push(wake);
  await eventually(() => pids.length === 2);
  expect(errors).toEqual([new Error('deadlock')]);
  const living = 'SELECT pid FROM pg_stat_activity WHERE pid = ANY ($1)';
  await eventually(async () => (await database.query(living, [pids])).length === 1);
  expect(wake.backend!.pid).toBe(pids[1]);
});

test('can be closed while there is no server to connect to', async () => {
  const wake = new Wake({
    url: server.url.replace(/\/test_/, '/nothing_'),
    applicationName: 'wake',
    channels: ['log'],
    onError: (error) => void errors.push(error),
  });
  await eventually(() => errors.length > 0);
  expect(wake.backend).toBeUndefined();
  wake.poke('log', ['1']);
  await wake.close();
});
