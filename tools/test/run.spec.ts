import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// A small workspace of its own around the real script: an `nx` that tells what it was asked, and commands that do the same.
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-'));
  cpSync(join(__dirname, '..', 'bin'), join(root, 'tools', 'bin'), { recursive: true });
  write('package.json', JSON.stringify({ name: 'small', version: '1.0.0', workspaces: ['packages/*'] }));
  member('nx');
  write('packages/nx/bin/nx.js', "console.log('the build says', process.argv.slice(2).join(' '))");
  write(
    'tools/dist/start/main.js',
    "console.log('started with', process.argv.slice(2).join(' ')); process.exitCode = 7",
  );
  lock('nx');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function member(name: string): void {
  const optionalDependencies = { elsewhere: '1.0.0' };
  write(`packages/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', optionalDependencies }));
}

function write(file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

/** Wants these packages of the workspace, and something for another machine. */
function lock(...names: string[]): void {
  const elsewhere = { version: '1.0.0', integrity: 'sha512-0000', cpu: ['none'], optional: true };
  const packages = {
    '': { name: 'small', version: '1.0.0', workspaces: ['packages/*'] },
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`node_modules/${name}`, { resolved: `packages/${name}`, link: true }],
        [`packages/${name}`, { version: '1.0.0', optionalDependencies: { elsewhere: '1.0.0' } }],
      ]),
    ),
    'node_modules/elsewhere': elsewhere,
  };
  write(
    'package-lock.json',
    JSON.stringify({ name: 'small', version: '1.0.0', lockfileVersion: 3, requires: true, packages }),
  );
  // As a checkout later than the installation would leave it.
  const later = Date.now() / 1000 + 3600;
  utimesSync(join(root, 'package-lock.json'), later, later);
}

function spawnRun(...args: string[]): ChildProcess & { text(): string } {
  const child = spawn(process.execPath, [join(root, 'tools', 'bin', 'run.mjs'), ...args], { cwd: root });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return Object.assign(child, { text: () => text });
}

async function run(...args: string[]) {
  const child = spawnRun(...args);
  const [code] = (await once(child, 'close')) as [number];
  return { code, text: child.text() };
}

test('installs and builds what is missing, then runs the command with its arguments and its exit code', async () => {
  const { code, text } = await run('start', '--fresh');
  expect(text).toContain('Installing dependencies: done');
  expect(text).toContain('Building: done');
  expect(text).not.toContain('the build says');
  expect(text).toContain('started with --fresh');
  expect(code).toBe(7);
});

test('installs again only when something else is wanted than what is there', async () => {
  await run('start');
  expect((await run('start')).text).not.toContain('Installing');
  lock('nx');
  expect((await run('start')).text).not.toContain('Installing');
  member('more');
  lock('nx', 'more');
  expect((await run('start')).text).toContain('Installing');
  expect((await run('start')).text).not.toContain('Installing');
  rmSync(join(root, 'packages/more'), { recursive: true });
  lock('nx');
  expect((await run('start')).text).toContain('Installing');
});

test('an installation that was made by hand counts, if it is of what is wanted', async () => {
  const record = join(root, 'node_modules', '.package-lock.json');
  const change = (packages: object) => {
    const written = JSON.parse(readFileSync(record, 'utf8')) as { packages: object };
    writeFileSync(record, JSON.stringify({ ...written, packages: { ...written.packages, ...packages } }));
  };
  await run('start');
  change({ 'node_modules/elsewhere': { version: '1.0.0', integrity: 'sha512-0000' } });
  expect((await run('start')).text).not.toContain('Installing');
  change({ 'node_modules/elsewhere': { version: '1.0.1', integrity: 'sha512-1111' } });
  expect((await run('start')).text).toContain('Installing');
});

test('a build that fails is shown, and nothing is started', async () => {
  write('packages/nx/bin/nx.js', "console.log('line 3 is wrong'); process.exit(3)");
  const { code, text } = await run('start');
  expect(text).toContain('line 3 is wrong');
  expect(text).not.toContain('started with');
  expect(code).toBe(3);
});

test('a signal during a step reaches the step, and nothing more is started', async () => {
  const report = join(root, 'report');
  write(
    'packages/nx/bin/nx.js',
    `const { writeFileSync } = require('node:fs');
     process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(report)}, 'told to stop'); process.exit(0); });
     setInterval(() => undefined, 1000);
     writeFileSync(${JSON.stringify(report)}, 'building');`,
  );
  const child = spawnRun('start');
  const closed = once(child, 'close');
  while (readReport(report) !== 'building') await new Promise(setImmediate);
  child.kill('SIGTERM');
  expect(await closed).toEqual([143, null]);
  expect(readReport(report)).toBe('told to stop');
  expect(child.text()).not.toContain('started with');
});

test('whoever ends npm ends what it runs', async () => {
  const { scripts } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  write(
    'package.json',
    JSON.stringify({ name: 'small', workspaces: ['packages/*'], scripts: { start: scripts.start } }),
  );
  const report = join(root, 'report');
  write(
    'tools/dist/start/main.js',
    `const { writeFileSync } = require('node:fs');
     process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(report)}, 'told to stop'); process.exit(0); });
     setInterval(() => undefined, 1000);
     writeFileSync(${JSON.stringify(report)}, 'running');`,
  );
  const npm = spawn('npm', ['start'], { cwd: root, stdio: 'ignore' });
  const closed = once(npm, 'close');
  while (readReport(report) !== 'running') await new Promise(setImmediate);
  npm.kill('SIGTERM');
  await closed;
  while (readReport(report) !== 'told to stop') await new Promise(setImmediate);
});

function readReport(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

test('an unknown command is refused with the known ones', async () => {
  const { code, text } = await run('fly');
  for (const known of ['start', 'test', 'verify', 'chaos', 'simulate', 'brokers', 'oe'])
    expect(text).toMatch(new RegExp(`[ |]${known}[ |]`));
  expect(code).toBe(1);
});
