import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describeBroker, eventually, numbered, privateBroker } from '@order-events/testing';
import { fakeServer, silentServer } from '../test/fake-server';
import { drained, TestServer } from '../test/server';

describeBroker('nats', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.shared();
  });
  afterEach(() => server.endTest());

  test.each([
    ['version', { version: '2.9.10', max_payload: 1_048_576 }, 'version 2.9.10, and at least 2.10'],
    ['largest message', { version: '2.10.0', max_payload: 65_536 }, 'up to 65536 bytes'],
  ])('connecting to a server whose %s does not suffice is refused, aloud', async (_, info, reason) => {
    const old = await fakeServer(info);
    await expect(server.open(old.url).ping()).rejects.toThrow(reason);
    expect(server.errors[0]!.message).toContain(reason);
    await server.closeTransports();
    await old.close();
  });

  test('connecting takes the one of several servers that is there', async () => {
    const { port } = new URL(server.url);
    await server.open(`nats://127.0.0.1:1,nats://127.0.0.1:${port}`).ping();
  });

  test('connecting with TLS and a password', async () => {
    const secure = await privateBroker('nats', { secure: true });
    const caFile = secure.security!.certificate;
    const address = secure.env.NATS_URL!;
    const transport = server.open(address, { caFile });
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    expect(await transport.publish([numbered(0)])).toEqual([{ stored: true }]);
    expect(await drained(transport, 1)).toHaveLength(1);
    expect(server.errors).toEqual([]);
    await expect(server.open(address).ping()).rejects.toThrow(/certificate/);
    const wrong = address.replace(secure.security!.password, 'wrong');
    await expect(server.open(wrong, { caFile }).ping()).rejects.toThrow(/[Aa]uthorization/);
    await server.closeTransports();
    await secure.remove();
  });

  test('a process that has closed everything ends by itself', async () => {
    await server.declared();
    const env = { URL_OF_NATS: server.url, PREFIX: server.prefix };
    expect(await run(PROGRAM, env)).toEqual([0, 'handled\nclosed\n']);
  });

  test('nor is anything left of servers that take a connection and say nothing', async () => {
    const silent = await silentServer();
    expect(await run(SILENT_PROGRAM, { URL_OF_NATS: silent.url })).toEqual([0, 'closed\n']);
    expect(silent.sockets.length).toBeGreaterThan(0);
    await eventually(() => silent.sockets.every(({ destroyed }) => destroyed));
    await silent.close();
  });
});

/** Runs a program on our sources; its exit code and what it said. */
async function run(program: string, env: Record<string, string>): Promise<[number, string]> {
  const child = spawn(
    process.execPath,
    ['-C', '@order-events/source', '-r', join(__dirname, '../../../testing/typescript.cjs'), '-e', program],
    { env: { ...process.env, ...env, SOURCE: __dirname }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return [code, said];
}

const SILENT_PROGRAM = `
  const { NatsTransport } = require(process.env.SOURCE + '/transport.ts');
  const options = { url: process.env.URL_OF_NATS, prefix: '', applicationName: 'child', onError: () => {} };
  (async () => {
    const transport = new NatsTransport(options);
    await transport.ping().catch(() => {});
    await transport.close();
    console.log('closed');
  })();`;

const PROGRAM = `
  const { NatsTransport } = require(process.env.SOURCE + '/transport.ts');
  (async () => {
    const transport = new NatsTransport({
      url: process.env.URL_OF_NATS, prefix: process.env.PREFIX, applicationName: 'child', onError: console.error,
    });
    let handled;
    const seen = new Promise((resolve) => (handled = resolve));
    const options = { topics: ['things'], batch: 10, waitMs: 5, inFlight: 10, parallel: 1 };
    const follower = await transport.subscribe({ ...options, group: null, handle: () => Promise.resolve() });
    const subscription = await transport.subscribe({ ...options, group: 'g', handle: async () => handled() });
    await transport.publish([{ topic: 'things', key: 'k', headers: {}, body: Buffer.from('{}') }]);
    await seen;
    console.log('handled');
    await Promise.all([subscription.close(), follower.close()]);
    await transport.close();
    await transport.close();
    console.log('closed');
  })();`;
