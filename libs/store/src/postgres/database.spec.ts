import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { StoreError } from '@order-events/messaging';
import { eventually, freePort, testDatabase, type TestDatabase } from '@order-events/testing';
import { Database, type Queryable } from './database';

let server: TestDatabase;
let database: Database;
let errors: Error[];
beforeEach(async () => {
  errors = [];
  server = await testDatabase();
  const onError = (error: Error) => void errors.push(error);
  database = new Database({ url: server.url, connections: 3, applicationName: 'test', onError });
  await database.query('CREATE TABLE things (name text PRIMARY KEY, count bigint CHECK (count >= 0))');
});
afterEach(async () => {
  await database.close();
  await server.drop();
});

async function kindOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  return (error as StoreError).kind;
}

/** Stands before a server, and can stop to pass on what the connections of the moment say. */
async function mutableProxy(of: string) {
  const url = new URL(of);
  const { hostname, port } = url;
  const sockets: Socket[] = [];
  const proxy = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    // The end of one may reach the other as a reset.
    for (const one of [socket, upstream]) sockets.push(one.on('error', () => one.destroy()));
    socket.pipe(upstream).pipe(socket);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    url: url.href,
    mute: () => sockets.forEach((socket) => socket.unpipe()),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => proxy.close(closed));
    },
  };
}

test.each([
  ['a broken constraint', `INSERT INTO things VALUES ('a', -1)`, [], 'rejected'],
  ['a duplicate', `INSERT INTO things VALUES ('a', 1), ('a', 1)`, [], 'rejected'],
  ['text that is no number', 'SELECT $1::integer', ['x'], 'rejected'],
  ['NUL in a text', 'SELECT $1::text', ['\0'], 'rejected'],
  ['a number that JavaScript cannot hold', 'SELECT 9007199254740993::bigint AS n', [], 'rejected'],
  ['a serialisation failure', `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`, [], 'contended'],
  ['a full disk', `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$`, [], 'unavailable'],
  ['a table that is not there yet', 'SELECT * FROM nowhere', [], 'unavailable'],
  ['a right that is missing', `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '42501'; END $$`, [], 'unavailable'],
  ['an internal error', `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'XX001'; END $$`, [], 'unavailable'],
  ['a connection that ends', 'SELECT pg_terminate_backend(pg_backend_pid())', [], 'unavailable'],
])('%s is told apart', async (_, statement, values, kind) => {
  expect(await kindOf(database.query(statement, values))).toBe(kind);
  expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a server that does not answer is unavailable, in and out of a transaction', async () => {
  const url = `postgres://postgres@127.0.0.1:${await freePort()}/nothing`;
  const nowhere = new Database({ url, connections: 1, applicationName: 'test', onError: () => {} });
  expect(await kindOf(nowhere.query('SELECT 1'))).toBe('unavailable');
  expect(await kindOf(nowhere.transact((session) => session.query('SELECT 1')))).toBe('unavailable');
  await nowhere.close();
});

test('a database that does not let us in is unavailable: nothing that was to be written is to blame', async () => {
  const url = new URL(server.url);
  url.pathname = '/there-is-none';
  const closed = new Database({ url: url.href, connections: 1, applicationName: 'test', onError: () => {} });
  expect(await kindOf(closed.query('SELECT 1'))).toBe('unavailable');
  await closed.close();
});

test('a server that takes a statement and never answers is unavailable, in and out of a transaction', async () => {
  const proxy = await mutableProxy(server.url);
  const behind = new Database({ url: proxy.url, connections: 1, applicationName: 'test', onError: () => {} });
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  const unanswered = async (ask: () => Promise<unknown>) => {
    proxy.mute();
    const answer = ask();
    // The statement is on its way, and its time runs, once everything has happened that was due.
    await Promise.all([answer, new Promise(setImmediate).then(() => jest.advanceTimersByTime(35_000))]);
  };
  await behind.query('SELECT 1');
  expect(await kindOf(unanswered(() => behind.query('SELECT 1')))).toBe('unavailable');
  const inTransaction = behind.transact(async (session) => {
    await session.query('SELECT 1');
    await unanswered(() => session.query('SELECT 1'));
  });
  expect(await kindOf(inTransaction)).toBe('unavailable');
  expect(await behind.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  jest.useRealTimers();
  await behind.close();
  await proxy.close();
});

test('a deadlock is contention, and leaves one of the two committed', async () => {
  await database.query(`INSERT INTO things VALUES ('a', 0), ('b', 0)`);
  const locked: (() => void)[] = [];
  const both = new Promise<void>((resolve) => {
    locked.push(() => {
      if (locked.push(() => {}) === 3) resolve();
    });
  });
  const add = (first: string, second: string) =>
    database.transact(async (session) => {
      await session.query('UPDATE things SET count = count + 1 WHERE name = $1', [first]);
      locked[0]!();
      await both;
      await session.query('UPDATE things SET count = count + 1 WHERE name = $1', [second]);
    });
  const results = await Promise.allSettled([add('a', 'b'), add('b', 'a')]);
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  expect(failures).toEqual([expect.objectContaining({ kind: 'contended' })]);
  expect(await database.query('SELECT name, count FROM things ORDER BY name')).toEqual([
    { name: 'a', count: 1 },
    { name: 'b', count: 1 },
  ]);
});

test('a transaction is rolled back when its work rejects, and its connection is used again', async () => {
  const work = database.transact(async (session) => {
    await session.query(`INSERT INTO things VALUES ('a', 1)`);
    throw new Error('changed my mind');
  });
  await expect(work).rejects.toThrow('changed my mind');
  expect(await database.query('SELECT * FROM things')).toEqual([]);
});

test('of statements that are sent together, the one that fails is told of, and nothing of the others is kept', async () => {
  const insert = { name: 'things_insert', text: 'INSERT INTO things VALUES ($1, $2)' };
  const single = new Database({ url: server.url, connections: 1, applicationName: 'single', onError: () => {} });
  for (const count of [-1, 'no number', '9007199254740993']) {
    const work = single.transact(async (session) => {
      await Promise.all([
        session.query(insert, ['a', 1]),
        session.query({ ...insert, text: `${insert.text} RETURNING count`, name: 'things_back' }, ['b', count]),
        session.query(insert, ['c', 1]),
      ]);
    });
    expect(await kindOf(work)).toBe('rejected');
    expect(await single.query('SELECT * FROM things')).toEqual([]);
  }
  const fine = (session: Queryable) =>
    Promise.all(['a', 'b', 'c'].map((name, n) => session.query(insert, [name, n + 1])));
  await single.transact(fine);
  expect(await single.query('SELECT name FROM things ORDER BY count')).toEqual([
    { name: 'a' },
    { name: 'b' },
    { name: 'c' },
  ]);
  await single.close();
});

test('whichever statement is missed first, the one that failed first is told of', async () => {
  const busy = setInterval(() => {
    for (const since = performance.now(); performance.now() - since < 3;);
  }, 1);
  try {
    for (let round = 0; round < 50; round++) {
      const work = database.transact(async (session) => {
        // The longer way of the first one's error lets the second one's overtake it.
        const first = async () => {
          await Promise.all([session.query(`INSERT INTO things VALUES ('a', -1)`)]);
        };
        await Promise.all([first(), session.query('SELECT 1')]);
      });
      await expect(work).rejects.toMatchObject({ kind: 'rejected', message: expect.stringContaining('23514') });
    }
  } finally {
    clearInterval(busy);
  }
});

test('nothing is committed after a statement that failed, even if nobody missed it', async () => {
  const work = database.transact(async (session) => {
    await session.query(`INSERT INTO things VALUES ('a', 1)`);
    await session.query('SELECT 1 / 0').catch(() => []);
  });
  expect(await kindOf(work)).toBe('rejected');
  expect(await database.query('SELECT * FROM things')).toEqual([]);
});

test('nothing is done in a transaction that has ended', async () => {
  let leaked: Queryable | undefined;
  await database.transact((session) => Promise.resolve((leaked = session)));
  await expect(leaked!.query(`INSERT INTO things VALUES ('a', 1)`)).rejects.toThrow('after the end');
  expect(await database.query('SELECT * FROM things')).toEqual([]);
});

test('a connection that breaks in a transaction is not used again', async () => {
  const work = database.transact(async (session) => {
    await session.query(`INSERT INTO things VALUES ('a', 1)`);
    await session.query('SELECT pg_terminate_backend(pg_backend_pid())');
  });
  expect(await kindOf(work)).toBe('unavailable');
  const attempts = Array.from({ length: 6 }, () => database.transact((session) => session.query('SELECT 1 AS one')));
  expect((await Promise.all(attempts)).flat()).toEqual(attempts.map(() => ({ one: 1 })));
  expect(await database.query('SELECT * FROM things')).toEqual([]);
});

test('a connection that breaks while nobody uses it is reported, and replaced', async () => {
  const other = new Database({ url: server.url, connections: 1, applicationName: 'other', onError: () => {} });
  await database.query('SELECT 1');
  await other.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'test' AND datname = current_database()`);
  await eventually(() => errors.length > 0);
  expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await other.close();
});
