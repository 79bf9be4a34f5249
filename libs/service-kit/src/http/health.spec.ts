import express from 'express';
import { pino } from 'pino';
import { healthRoutes, logged, type Checks } from './health';
import { listen, type Listening } from './listen';

const lines: Record<string, unknown>[] = [];
const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line)) });
let trouble: Error | undefined;
const checks: Checks = {
  database: () => (trouble ? Promise.reject(trouble) : Promise.resolve()),
  transport: () => Promise.resolve(),
};
let server: Listening;

beforeAll(async () => {
  server = await listen(express().use(healthRoutes('inventory', logged(checks, log))), '127.0.0.1', 0, 'PORT');
});
beforeEach(() => {
  trouble = undefined;
});
afterAll(() => server.close(0));

async function ready() {
  const response = await fetch(`http://127.0.0.1:${server.port}/readyz`);
  return [response.status, await response.json()];
}

test('everybody may know which check fails, the log why, and it is news once', async () => {
  const fine = { status: 'ready', checks: { database: 'ok', transport: 'ok' } };
  expect(await ready()).toEqual([200, fine]);
  trouble = new Error('password authentication failed for user "inventory" at db.internal');
  for (let asked = 0; asked < 3; asked++)
    expect(await ready()).toEqual([503, { status: 'not ready', checks: { database: 'failed', transport: 'ok' } }]);
  trouble = undefined;
  for (let asked = 0; asked < 2; asked++) expect(await ready()).toEqual([200, fine]);
  expect(lines).toMatchObject([
    { level: 40, check: 'database', err: { message: expect.stringContaining('db.internal') } },
    { level: 30, check: 'database' },
  ]);
});

test('what has never been ready is waited for, not warned of', async () => {
  const said: Record<string, unknown>[] = [];
  let up = false;
  const check = () => (up ? Promise.resolve() : Promise.reject(new Error('no broker yet')));
  const { broker } = logged(
    { broker: check },
    pino({ base: {}, level: 'debug' }, { write: (line: string) => void said.push(JSON.parse(line)) }),
  );
  for (let asked = 0; asked < 2; asked++) await expect(broker!()).rejects.toThrow('no broker yet');
  up = true;
  await broker!();
  up = false;
  await expect(broker!()).rejects.toThrow('no broker yet');
  expect(said).toMatchObject([
    { level: 20, check: 'broker', err: { message: 'no broker yet' } },
    { level: 40, check: 'broker' },
  ]);
});
