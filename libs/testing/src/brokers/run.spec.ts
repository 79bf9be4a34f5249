import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from '../processes';
import { describeBroker } from './describe';
import { readInstance, stopInstance } from './instance';
import { privateBroker } from './private';
import { type BrokerName, BrokerUnavailable } from './recipe';
import { openBrokerRun, removeRun, runDirectory } from './run';
import { sharedBroker } from './shared';
import { speaks } from './speaks';

/** What another process of the same run is told. */
async function askElsewhere(name: BrokerName): Promise<Record<string, string>> {
  const typescript = ['-C', '@order-events/source', '-r', join(__dirname, '..', '..', 'typescript.cjs')];
  const program = `require(${JSON.stringify(join(__dirname, 'shared.ts'))}).sharedBroker(process.argv[1])
    .then(({ env }) => console.log(JSON.stringify(env)))`;
  const child = spawn(process.execPath, [...typescript, '-e', program, name], {
    env: process.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(output) as Record<string, string>;
}

test('what this machine lacks is an error of its own, and leaves nothing behind', async () => {
  const { PATH } = process.env;
  const directory = mkdtempSync(join(tmpdir(), 'bare-'));
  process.env.PATH = '';
  const asked = privateBroker('kafka', { directory }).finally(() => (process.env.PATH = PATH));
  await expect(asked).rejects.toThrow(BrokerUnavailable);
  await expect(asked).rejects.toMatchObject({ broker: 'kafka', reason: expect.stringContaining('no Java 17') });
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

describeBroker('nats', () => {
  test('whoever asks for the shared broker at once gets the same one, with a prefix of their own', async () => {
    const brokers = await Promise.all([1, 2, 3].map(() => sharedBroker('nats')));
    expect(new Set(brokers.map(({ env }) => env.NATS_URL)).size).toBe(1);
    expect(new Set(brokers.map(({ env }) => env.TOPIC_PREFIX)).size).toBe(3);
    expect(readdirSync(runDirectory()).filter((name) => name.startsWith('nats-'))).toHaveLength(1);
    await speaks('nats', brokers[0]!.env);
  });

  test('other processes that ask get the same one', async () => {
    const { env } = await sharedBroker('nats');
    const answers = await Promise.all([1, 2].map(() => askElsewhere('nats')));
    expect(answers.map(({ NATS_URL }) => NATS_URL)).toEqual([env.NATS_URL, env.NATS_URL]);
  });

  test('two other processes that ask for one that nobody has started yet get the same one', async () => {
    const before = process.env.TEST_BROKERS_DIRECTORY;
    const own = mkdtempSync(join(tmpdir(), 'another-run-'));
    process.env.TEST_BROKERS_DIRECTORY = own;
    const [one, two] = await Promise.all([1, 2].map(() => askElsewhere('nats')));
    process.env.TEST_BROKERS_DIRECTORY = before;
    expect(one!.NATS_URL).toBe(two!.NATS_URL);
    expect(one!.TOPIC_PREFIX).not.toBe(two!.TOPIC_PREFIX);
    // It outlives who has started it.
    await speaks('nats', one!);
    await removeRun(own);
    await expect(speaks('nats', one!)).rejects.toThrow(/ECONNREFUSED/);
  });

  test('what a killed run has left is ended by the next one', async () => {
    const before = process.env.TEST_BROKERS_DIRECTORY;
    const { pid: dead } = spawnSync('true');
    const abandoned = mkdtempSync(join(tmpdir(), `order-events-brokers-${dead}-`));
    const left = await privateBroker('nats', { directory: abandoned });
    const pid = left.pids.nats!;
    expect(commandLine(pid)).toContain('nats-server');
    await openBrokerRun();
    expect(commandLine(pid)).toBe('');
    expect(readdirSync(tmpdir()).map((name) => join(tmpdir(), name))).not.toContain(abandoned);
    expect(readdirSync(before!)).toBeDefined();
    await removeRun(runDirectory());
    process.env.TEST_BROKERS_DIRECTORY = before;
  });

  test('a pid that has been given to another program is nothing to end', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'reused-'));
    const broker = await privateBroker('nats', { directory });
    const folder = join(directory, readdirSync(directory)[0]!);
    await broker.stop();
    const other = spawn('sleep', ['3600']);
    await once(other, 'spawn');
    const record = readInstance(folder)!;
    record.parts.nats!.pid = other.pid!;
    writeFileSync(join(folder, 'instance.json'), JSON.stringify(record));
    await stopInstance(folder);
    await broker.remove();
    expect(commandLine(other.pid!)).toContain('sleep');
    other.kill();
    rmSync(directory, { recursive: true });
  });
});
