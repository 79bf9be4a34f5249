import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { FaultProxy } from './fault-proxy';
import { eventually } from './eventually';

let echo: Server;
let proxy: FaultProxy;
let accepted: Socket[];
const clients: Client[] = [];

/** What a client has heard. */
class Client {
  readonly socket = connect(proxy.port, '127.0.0.1');
  received = '';
  trouble: string | undefined;
  ended = false;

  constructor() {
    clients.push(this);
    this.socket.on('data', (chunk: Buffer) => (this.received += chunk.toString()));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.trouble = error.code));
    this.socket.on('end', () => (this.ended = true));
  }

  async says(text: string): Promise<void> {
    await new Promise<void>((sent) => this.socket.write(text, () => sent()));
  }

  /** Says it, and waits until it has come back. */
  async hears(text: string): Promise<void> {
    this.received = '';
    await this.says(text);
    await eventually(() => this.received === text);
  }
}

beforeEach(async () => {
  accepted = [];
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address() as { port: number };
  proxy = await FaultProxy.to({ host: '127.0.0.1', port: address.port });
});

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await proxy.close();
  echo.close();
  await once(echo, 'close');
});

test('forwards in both directions, a megabyte too, and the end', async () => {
  const client = new Client();
  await client.hears('hello');
  await client.hears('x'.repeat(1_000_000));
  client.socket.end();
  await eventually(() => client.ended && proxy.open === 0);
});

test('a cut resets both sides; the next connection works', async () => {
  const client = new Client();
  await client.hears('before');
  const serverSide = accepted[0]!;
  proxy.cut();
  await eventually(() => client.trouble === 'ECONNRESET' && serverSide.destroyed);
  expect(proxy.open).toBe(0);
  await new Client().hears('after');
});

test('refuses, also who was there, until it is healed, on the same port', async () => {
  const { port } = proxy;
  const before = new Client();
  await before.hears('before');
  await proxy.refuse();
  await eventually(() => before.trouble === 'ECONNRESET');
  const refused = new Client();
  await eventually(() => refused.trouble === 'ECONNREFUSED');
  await proxy.heal();
  expect(proxy.port).toBe(port);
  await new Client().hears('after');
});

test('in a black hole connections are made and nothing passes, not even an end, in either direction', async () => {
  const old = new Client();
  await old.hears('before');
  let toServer = '';
  accepted[0]!.on('data', (chunk: Buffer) => (toServer += chunk.toString()));
  proxy.blackHole();

  old.received = '';
  await old.says('lost?');
  accepted[0]!.write('and the other way?');
  const fresh = new Client();
  await once(fresh.socket, 'connect');
  await fresh.says('anybody?');
  // Another proxy to the same server shows that there was time for an answer.
  const healthy = await FaultProxy.to({ host: '127.0.0.1', port: (echo.address() as { port: number }).port });
  const witness = connect(healthy.port, '127.0.0.1');
  for (let round = 0; round < 20; round++) {
    witness.write('?');
    await once(witness, 'data');
  }
  witness.destroy();
  await healthy.close();
  expect([toServer, old.received, fresh.received]).toEqual(['', '', '']);
  expect([old.trouble, fresh.trouble, old.ended]).toEqual([undefined, undefined, false]);

  await proxy.heal();
  await eventually(() => fresh.received === 'anybody?');
  await eventually(() => toServer === 'lost?' && old.received.length === 'lost?and the other way?'.length);
});

test('a connection in a black hole can be cut', async () => {
  const client = new Client();
  await client.hears('before');
  proxy.blackHole();
  await client.says('lost');
  proxy.cut();
  await eventually(() => client.trouble === 'ECONNRESET');
});

test('delays each piece', async () => {
  const client = new Client();
  proxy.slow({ delayMs: 100 });
  const started = performance.now();
  await client.hears('there and back');
  // A timer may fire a millisecond early.
  expect(performance.now() - started).toBeGreaterThanOrEqual(198);
  await proxy.heal();
  await client.hears('quick again');
});

test('limits the bytes a second', async () => {
  const client = new Client();
  proxy.slow({ bytesPerSecond: 20_000 });
  const started = performance.now();
  await client.hears('x'.repeat(10_000));
  expect(performance.now() - started).toBeGreaterThanOrEqual(490);
});

test('closes while something waits in it', async () => {
  const client = new Client();
  proxy.slow({ delayMs: 3_600_000 });
  await client.says('never');
  await eventually(() => proxy.open === 1);
  await proxy.close();
  await eventually(() => client.trouble === 'ECONNRESET');
});

test('a target that is away resets the client', async () => {
  const nowhere = await FaultProxy.to({ host: '127.0.0.1', port: 1 });
  const client = connect(nowhere.port, '127.0.0.1');
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  await nowhere.close();
});
