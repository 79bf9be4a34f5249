import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// A small workspace with the real Jest.
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tests-'));
  const workspace = join(__dirname, '..', '..');
  symlinkSync(join(workspace, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'package.json'), '{}');
  writeFileSync(join(root, 'jest.config.cjs'), 'module.exports = { haste: { forceNodeFilesystemAPI: true } };');
  const program = `import { runTests } from ${JSON.stringify(pathToFileURL(join(workspace, 'tools/bin/tests.mjs')).href)};
    await runTests(process.cwd(), process.argv.slice(2));`;
  writeFileSync(join(root, 'run.mjs'), program);
  file('good', `test('good', () => {}); test('also good', () => {});`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function file(name: string, content: string): void {
  writeFileSync(join(root, `${name}.test.js`), content);
}

/** Passes from its second run on. */
const unstable = `const { existsSync, writeFileSync } = require('node:fs');
  test('unstable', () => {
    const marker = require('node:path').join(__dirname, 'ran');
    const again = existsSync(marker);
    writeFileSync(marker, '');
    expect(again).toBe(true);
  });`;

async function run(...args: string[]) {
  const env = { ...process.env, BROKER_FAULTS: '1', JEST_WORKER_ID: undefined };
  const child = spawn(process.execPath, ['run.mjs', ...args], { cwd: root, env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text, last: text.trimEnd().split('\n').at(-1) };
}

test('the last line counts what passed', async () => {
  expect(await run()).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
});

test('what fails beside others and passes by itself has passed, and is named', async () => {
  file('unstable', unstable);
  const { code, text, last } = await run();
  expect({ code, last }).toEqual({ code: 0, last: '3 passed, 0 failed' });
  expect(text).toMatch(/UNSTABLE, passed by itself: unstable \(.*unstable\.test\.js\)/);
});

test('what fails by itself too has failed', async () => {
  file('bad', `test('bad', () => expect(1).toBe(2)); test('fair', () => {});`);
  const { code, text, last } = await run();
  expect({ code, last }).toEqual({ code: 1, last: '3 passed, 1 failed' });
  expect(text).not.toContain('UNSTABLE');
});

test('a file that cannot be run has failed', async () => {
  file('broken', `throw new Error('broken')`);
  expect(await run()).toMatchObject({ code: 1, last: '2 passed, 1 failed' });
});

test('where very many fail nothing is run again', async () => {
  for (let n = 0; n < 9; n++) file(`bad-${n}`, `test('bad', () => expect(1).toBe(2));`);
  const { text, last } = await run();
  expect(last).toBe('2 passed, 9 failed');
  expect(text).not.toContain('Once more');
});

test('a run of some tests only is not repeated', async () => {
  file('unstable', unstable);
  expect(await run('unstable')).toMatchObject({ code: 1, last: '0 passed, 1 failed' });
});

test('what is skipped is named', async () => {
  file('skipped', `test.skip('skipped', () => {}); test.todo('to do');`);
  const { text, last } = await run();
  expect(last).toBe('2 passed, 0 failed, 2 skipped');
  expect(text).toMatch(/SKIPPED: skipped \(.*\n/);
  expect(text).toMatch(/TO DO: to do \(.*\n/);
});
