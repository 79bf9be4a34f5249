import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { describeBroker, privateBroker } from '@order-events/testing';
import { placeOf } from '../src/brokers/place';
import { status } from '../src/brokers/status';
import { claimPortOffset, type PortOffset } from './test-system';

const root = join(__dirname, '..', '..');

let env: Record<string, string>;
let offset: PortOffset;
beforeEach(async () => {
  offset = await claimPortOffset();
  env = { PORT_OFFSET: String(offset.portOffset) };
});
afterEach(async () => {
  await brokers('down', 'nats');
  const { directory } = placeOf('nats', env);
  for (const path of [directory, `${directory}.lock`]) rmSync(path, { recursive: true, force: true });
  offset.release();
});

/** The command, as npm runs it, on a machine where no Docker engine answers. */
async function brokers(...words: string[]) {
  const typescript = ['-C', '@order-events/source', '-r', join(root, 'libs', 'testing', 'typescript.cjs')];
  const main = join(root, 'tools', 'src', 'brokers', 'main.ts');
  const nowhere = { DOCKER_HOST: 'tcp://127.0.0.1:1' };
  const child = spawn(process.execPath, [...typescript, main, ...words], {
    env: { ...process.env, ...nowhere, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describeBroker('nats', () => {
  test('up starts it, up again uses it, status shows it, down ends it', async () => {
    const { env: address } = placeOf('nats', env);
    const first = await brokers('up', 'nats');
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining(`NATS_URL=${address.NATS_URL}`) });
    const up = await status(placeOf('nats', env));
    expect(up).toMatchObject({
      version: '2.15.2',
      where: 'native',
      healthy: 'yes',
      pid: expect.stringMatching(/^\d+$/),
    });

    const again = await brokers('up', 'nats');
    expect(again).toMatchObject({ code: 0, output: expect.stringContaining('already') });
    expect(await status(placeOf('nats', env))).toEqual(up);
    expect((await brokers('status', 'nats')).output).toMatch(
      new RegExp(`^nats +2\\.15\\.2 +native .* ${up.pid} `, 'm'),
    );

    expect(await brokers('down', 'nats')).toMatchObject({
      code: 0,
      output: expect.stringContaining(`(pid ${up.pid})`),
    });
    expect(await status(placeOf('nats', env))).toMatchObject({ where: '-', pid: '-' });
    expect((await brokers('down', 'nats')).output).toContain('nothing to end');
  });

  test('two that want it up at once start one', async () => {
    const results = await Promise.all([brokers('up', 'nats'), brokers('up', 'nats')]);
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(results.filter(({ output }) => output.includes('Starting nats'))).toHaveLength(1);
  });

  test('one that somebody else runs is used and not ended', async () => {
    const theirs = await privateBroker('nats');
    env = { ...env, ...theirs.env };
    expect(await brokers('up', 'nats')).toMatchObject({ code: 0, output: expect.stringContaining('it is used') });
    expect(await status(placeOf('nats', env))).toMatchObject({ where: 'found', healthy: 'yes' });
    await brokers('down', 'nats');
    expect(Object.keys(theirs.pids)).toEqual(['nats']);
    await theirs.remove();
  });

  test('a port in use by something else is named', async () => {
    const { ports } = placeOf('nats', env);
    const squatter = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n')).listen(
      ports.client,
      '127.0.0.1',
    );
    await once(squatter, 'listening');
    const { code, output } = await brokers('up', 'nats');
    expect(code).toBe(1);
    expect(output).toContain(`Port ${ports.client} (client), for nats, is in use by something else.`);
    squatter.close();
  });
});

test('a machine without the means says what is missing, and what could be installed', async () => {
  // With an empty PATH there is no Java, which no cache of ours holds.
  env = { ...env, PATH: '' };
  const { code, output } = await brokers('up', 'kafka');
  expect(code).toBe(1);
  expect(output).toMatch(/kafka is unavailable: no Java 17 or newer was found .*Install a JRE\.\n.*Docker engine/);
});

test('another verb or name is answered with the usage', async () => {
  for (const words of [['nonsense'], ['up', 'zeromq'], []]) {
    expect(await brokers(...words)).toMatchObject({ code: 1, output: expect.stringMatching(/^Usage: /) });
  }
});
