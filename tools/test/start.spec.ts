import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readState, stateFile } from '../src/start';
import { claimPortOffset, isAlive, type PortOffset, until } from './test-system';

let dataDirectory: string;
let offset: PortOffset;
let portOffset: number;
const started: ChildProcess[] = [];

beforeEach(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'start-'));
  offset = await claimPortOffset();
  portOffset = offset.portOffset;
});

afterEach(async () => {
  for (const child of started
    .splice(0)
    .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(dataDirectory, { recursive: true, force: true });
  offset.release();
});

/** `npm start` on stand-ins for the services. */
function start(env: NodeJS.ProcessEnv = {}, ...args: string[]) {
  const words = [
    '-C',
    '@order-events/source',
    '-r',
    require.resolve('@order-events/testing/typescript.cjs'),
    join(__dirname, 'fake-start.ts'),
  ];
  const child = spawn(process.execPath, [...words, ...args], {
    env: { ...process.env, DATA_DIR: dataDirectory, PORT_OFFSET: String(portOffset), ...env },
  });
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => signal ?? code);
  const says = (what: string | RegExp) => until(() => child.exitCode !== null || text.search(what) >= 0);
  return { child, exited, says, text: () => text };
}

/** Pids of all processes of the running system but the supervisor's. */
function pids(): number[] {
  const { instances, postgres } = readState(dataDirectory);
  return [...instances.map(({ pid }) => pid), postgres.pid!];
}

test('says how to use it, and one Ctrl-C ends everything in order', async () => {
  const { child, exited, says, text } = start();
  await says('Ctrl-C stops');
  expect(text()).toContain(`curl -s -XPOST http://127.0.0.1:${3000 + portOffset}/orders`);
  expect(text()).toMatch(/^inventory +\| listening$/m);
  const running = pids();
  expect(running).toHaveLength(7);
  child.kill('SIGINT');
  expect(await exited).toBe(130);
  expect(text()).toContain('| stopped');
  expect(running.filter(isAlive)).toEqual([]);
});

test('a second Ctrl-C does not wait for a service that will not stop', async () => {
  const { child, exited, says } = start({ FAKE_STUBBORN: 'yes' });
  await says('Ctrl-C stops');
  const running = pids();
  child.kill('SIGINT');
  await says('once more to stop at once');
  child.kill('SIGINT');
  expect(await exited).toBe(130);
  await until(() => running.filter(isAlive).length === 0);
});

test('a service that will not stop is killed after a while, and that is said', async () => {
  const { child, exited, says, text } = start({ FAKE_STUBBORN: 'yes' });
  await says('Ctrl-C stops');
  const running = pids();
  child.kill('SIGTERM');
  expect(await exited).toBe(143);
  expect(text()).toMatch(/^inventory +\| did not stop within 25 s and is killed$/m);
  expect(running.filter(isAlive)).toEqual([]);
});

test('services end when the supervisor is killed, and the next start clears up', async () => {
  const first = start();
  await first.says('Ctrl-C stops');
  const running = pids();
  first.child.kill('SIGKILL');
  expect(await first.exited).toBe('SIGKILL');
  const second = start();
  await second.says('Ctrl-C stops');
  expect(second.text()).toContain('ready after');
  expect(running.filter(isAlive)).toEqual([]);
});

test.each([
  [{ PORT_OFFSET: 'many' }, [], 'PORT_OFFSET must be a whole number'],
  [{ TRANSPORT: 'foo' }, [], 'TRANSPORT: must be one of postgres, kafka, rabbitmq, nats, nsq, redis; is "foo"'],
  [{}, ['--replicas', '9'], '--replicas must be 1 to 8'],
  [{}, ['--sideways'], "Unknown option '--sideways'"],
])('refuses %j %j', async (env, args, message) => {
  const { exited, text } = start(env, ...args);
  expect(await exited).toBe(1);
  expect(text()).toContain(message);
  expect(existsSync(stateFile(dataDirectory))).toBe(false);
});
