import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually';
import { end, isRunning, kill9, launch, whenReady } from './program';
import type { Part } from './recipe';

let directory: string;
let log: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'program-'));
  log = join(directory, 'log');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A Node program that does its work when it has said `ready`. */
function part(program: string): Part {
  const probe = async () => {
    if (!readFileSync(log, 'utf8').includes('ready')) throw new Error('it is not ready');
  };
  return { name: 'part', command: process.execPath, args: ['-e', program, directory], mark: directory, probe };
}

/** Launches it and waits until it works. */
async function started(program: string) {
  const pid = await launch(part(program), directory, log);
  await whenReady(part(program), pid, log);
  return { pid, mark: directory };
}

test('a program that ends instead of starting is an error with the end of its log', async () => {
  const failing = part("console.error('no luck with the configuration')");
  const pid = await launch(failing, directory, log);
  await expect(whenReady(failing, pid, log)).rejects.toThrow(
    /^part ended instead of starting:\nno luck with the configuration$/,
  );
});

test('a program that is not there is an error', async () => {
  await expect(launch({ ...part(''), command: 'no-such-program' }, directory, log)).rejects.toThrow(/ENOENT/);
});

test('ends in order', async () => {
  const program = await started(
    "process.on('SIGTERM', () => { console.log('good bye'); process.exit(); }); setInterval(() => {}, 1000); console.log('ready')",
  );
  await end(program);
  expect(isRunning(program)).toBe(false);
  expect(readFileSync(log, 'utf8')).toContain('good bye');
});

test('a kill -9 cannot be refused, and is over when its ports are free', async () => {
  const program = await started(
    `process.on('SIGTERM', () => {});
     const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log('ready', server.address().port));`,
  );
  const port = Number(/ready (\d+)/.exec(readFileSync(log, 'utf8'))![1]);
  await kill9(program);
  expect(isRunning(program)).toBe(false);
  const again = await started(
    `console.log('again'); require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('ready'))`,
  );
  // `ready` stood in the log before: this is what tells that the port could be had.
  await eventually(() => readFileSync(log, 'utf8').match(/ready/g)!.length === 2);
  await kill9(again);
});

test('another program under the same pid is neither running nor ended', async () => {
  const program = await started("setInterval(() => {}, 1000); console.log('ready')");
  const stranger = { ...program, mark: 'something that is not on its command line' };
  expect(isRunning(stranger)).toBe(false);
  await end(stranger);
  await kill9(stranger);
  expect(isRunning(program)).toBe(true);
  await kill9(program);
});
