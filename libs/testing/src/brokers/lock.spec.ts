import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { withLock } from './lock';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'lock-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const lock = () => join(directory, 'the lock');

/** A process that takes the lock, says so, and keeps it until it is told to give it back. */
async function holder(): Promise<ChildProcess> {
  const program = `
    const { withLock } = require(${JSON.stringify(join(__dirname, 'lock.ts'))});
    withLock(process.argv[1], async () => {
      console.log('held');
      await new Promise((resolve) => process.stdin.once('data', resolve));
    });`;
  const typescript = ['-r', join(__dirname, '..', '..', 'typescript.cjs')];
  const child = spawn(process.execPath, [...typescript, '-e', program, lock()], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  return child;
}

test('callers of one process and work that fails take turns', async () => {
  let inside = 0;
  let most = 0;
  const works = Array.from({ length: 8 }, (_, index) =>
    withLock(lock(), async () => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
      if (index % 2 === 1) throw new Error(`work ${index}`);
      return index;
    }),
  );
  const results = await Promise.allSettled(works);
  expect(most).toBe(1);
  expect(results.map((result) => result.status)).toEqual(
    results.map((_, index) => (index % 2 === 1 ? 'rejected' : 'fulfilled')),
  );
});

test('another process waits until the lock is given back', async () => {
  const other = await holder();
  let taken = false;
  const ours = withLock(lock(), async () => void (taken = true));
  const theirs = withLock(join(directory, 'another lock'), async () => taken);
  expect(await theirs).toBe(false);
  const ended = once(other, 'exit');
  other.stdin!.end('enough\n');
  await ours;
  expect(taken).toBe(true);
  await ended;
});

test('whoever was killed holds nothing, and many who find that out take turns', async () => {
  const killed = await holder();
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  let inside = 0;
  const most: number[] = [];
  await Promise.all(
    Array.from({ length: 8 }, () =>
      withLock(lock(), async () => {
        most.push(++inside);
        await new Promise(setImmediate);
        inside--;
      }),
    ),
  );
  expect(most).toEqual(Array(8).fill(1));
  expect(readdirSync(lock())).toEqual(['9']);
});

test('eight processes lose no increment of a file that they read and write', async () => {
  const counter = join(directory, 'counter');
  writeFileSync(counter, '0');
  const program = `
    const { readFileSync, writeFileSync } = require('node:fs');
    const { withLock } = require(${JSON.stringify(join(__dirname, 'lock.ts'))});
    const [, lock, file] = process.argv;
    (async () => {
      for (let round = 0; round < 10; round++) {
        await withLock(lock, async () => {
          const count = Number(readFileSync(file, 'utf8'));
          await new Promise(setImmediate);
          writeFileSync(file, String(count + 1));
        });
      }
    })();`;
  const typescript = ['-r', join(__dirname, '..', '..', 'typescript.cjs')];
  const codes = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const child = spawn(process.execPath, [...typescript, '-e', program, lock(), counter], { stdio: 'inherit' });
      return (await once(child, 'exit'))[0] as number;
    }),
  );
  expect(codes).toEqual(Array(8).fill(0));
  expect(readFileSync(counter, 'utf8')).toBe('80');
});
