// Runs a command of this workspace on any clone, fresh or not: installs, builds, then hands over to the command.
// Plain Node without dependencies, because it runs before there are any.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runTests } from './tests.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const lockFile = join(root, 'package-lock.json');
const npmsRecord = join(root, 'node_modules', '.package-lock.json');

const commands = {
  start: () => runProgram('start'),
  verify: () => runProgram('verify'),
  chaos: () => runProgram('chaos'),
  bench: () => runProgram('bench'),
  brokers: () => runProgram('brokers'),
  compose: () => runProgram('compose'),
  k8s: () => runProgram('k8s'),
  docs: () => runProgram('docs'),
  test: () => runTests(root, args),
  simulate: () => runProgram('simulate'),
  setup: () => runFile(join(root, 'apps', 'setup', 'dist', 'main.js')),
  oe: () => runFile(join(root, 'apps', 'cli', 'dist', 'main.js')),
};

const [name, ...args] = process.argv.slice(2);
const command = commands[name];
if (!command) fail(`Usage: node tools/bin/run.mjs ${Object.keys(commands).join('|')} [arguments]`);
checkNode();
process.chdir(root);
if (!dependenciesAreCurrent()) await install();
await build();
// In this very process, so that signals and the exit code are the command's own.
await command();

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node 20.19 or newer is needed; this is ${process.versions.node}.`);
}

/** By what is wanted and what npm says is there, and not by times: a checkout or a copy makes files new that say nothing new. */
function dependenciesAreCurrent() {
  if (!existsSync(npmsRecord)) return false;
  const [wanted, installed] = [packagesOf(lockFile), packagesOf(npmsRecord)];
  for (const [path, { optional }] of wanted) if (!optional && !installed.has(path)) return false;
  for (const [path, { identity }] of installed) if (wanted.get(path)?.identity !== identity) return false;
  return true;
}

/** What a lock file has in folders of modules. What is optional is left out where it is for another machine. */
function packagesOf(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  const modules = Object.entries(packages).filter(([path]) => path.includes('node_modules/'));
  return new Map(
    modules.map(([path, { version, integrity, link, resolved, optional }]) => [
      path,
      { identity: link ? resolved : `${version} ${integrity}`, optional: optional === true },
    ]),
  );
}

async function install() {
  const done = announce('Installing dependencies');
  // Like it, this installs what the lock file says, and leaves the lock file as it is.
  const { code } = await run('npm', ['ci'], 'inherit');
  if (code !== 0) fail('The installation failed; nothing was started.', code);
  done();
}

async function build() {
  const done = announce('Building');
  const nx = createRequire(lockFile).resolve('nx/bin/nx.js');
  const { code, output } = await run(process.execPath, [nx, 'run-many', '-t', 'build'], 'pipe');
  if (code !== 0) fail(`${output}\nThe build failed; nothing was started.`, code);
  done();
}

async function runProgram(program) {
  await runFile(join(root, 'tools', 'dist', program, 'main.js'));
}

async function runFile(file) {
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}

/** Runs a step to its end and passes signals on to it. After a signal nothing more is started. */
function run(file, words, output) {
  // No daemon of Nx may stay behind.
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
  const child = spawn(file, words, { cwd: root, env, stdio: ['ignore', output, output] });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  let received;
  const passOn = (signal) => {
    received = signal;
    child.kill(signal);
  };
  for (const signal of signals) process.on(signal, passOn);
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of signals) process.off(signal, passOn);
      if (received) process.exit(128 + constants.signals[received]);
      resolve({ code, output: Buffer.concat(chunks).toString() });
    });
  });
}

/** Says what is going on, and returns what says how long it took. */
function announce(step) {
  const started = Date.now();
  process.stderr.write(`${step} …\n`);
  return () => process.stderr.write(`${step}: done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code || 1);
}
