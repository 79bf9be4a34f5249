import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Address {
  host: string;
  port: number;
}

interface Question<T> {
  /** Sent when the connection is there. */
  say?: Buffer;
  /** The answer, once enough of it has come; throws when this is not the protocol. */
  read(received: Buffer): T | undefined;
  tls?: boolean;
}

/** Who does not answer within this time is asked again by whoever waits for it. */
const patienceMs = 5_000;

/** Asks one question on a connection of its own. Rejects when nobody listens, or answers in another protocol. */
function ask<T>(address: Address, { say, read, tls }: Question<T>): Promise<T> {
  // That something speaks the protocol is the question here, not who it is.
  const socket: Socket = tls ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
  let received: Buffer = Buffer.alloc(0);
  const answered = new Promise<T>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`${address.host}:${address.port} ${what}`));
    socket.setTimeout(patienceMs, () => fail('does not answer'));
    socket.once('error', reject);
    socket.once('close', () => fail('closed the connection'));
    if (say) socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(say));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      try {
        const answer = read(received);
        if (answer !== undefined) resolve(answer);
      } catch {
        fail('speaks another protocol');
      }
    });
  });
  return answered.finally(() => socket.destroy());
}

function expect(condition: boolean): void {
  if (!condition) throw new Error('not the expected answer');
}

const correlation = 0x6f65;

function kafkaRequest(api: number, version: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(14);
  head.writeInt32BE(10 + body.length, 0);
  head.writeInt16BE(api, 4);
  head.writeInt16BE(version, 6);
  head.writeInt32BE(correlation, 8);
  head.writeInt16BE(-1, 12); // no client id
  return Buffer.concat([head, body]);
}

function kafkaAnswer(received: Buffer): Buffer | undefined {
  if (received.length < 12) return undefined;
  expect(received.readInt32BE(4) === correlation);
  return received.subarray(8);
}

/** Resolves when Kafka speaks there: it tells its versions to everybody, before any password. */
export const probeKafka = (address: Address, tls?: boolean): Promise<void> =>
  ask(address, {
    say: kafkaRequest(18, 0),
    read: (received) => (kafkaAnswer(received) ? true : undefined),
    tls,
  }).then(() => undefined);

/** How many brokers of its cluster a Kafka broker knows to be at work. */
export const kafkaBrokers = (address: Address): Promise<number> =>
  ask(address, { say: kafkaRequest(3, 1, Buffer.alloc(4)), read: (received) => kafkaAnswer(received)?.readInt32BE(0) });

/** The version of the AMQP 0-9-1 broker there. */
export const probeAmqp = (address: Address, tls?: boolean): Promise<string> =>
  ask(address, { say: Buffer.from('AMQP\0\0\x09\x01', 'latin1'), read: readConnectionStart, tls });

function readConnectionStart(received: Buffer): string | undefined {
  expect(received[0] === 1);
  if (received.length < 11 || received.length < received.readInt32BE(3) + 8) return undefined;
  expect(received.readInt16BE(7) === 10 && received.readInt16BE(9) === 10);
  // A long string in the table of the server's properties: name, type `S`, length, text.
  const start = received.indexOf('\x07versionS') + 13;
  return start < 13 ? '?' : received.toString('utf8', start, start + received.readInt32BE(start - 4));
}

/** Resolves when Erlang's register of nodes is there. */
export const probeEpmd = (address: Address): Promise<void> =>
  ask(address, {
    say: Buffer.from('\0\x01n'),
    read(received) {
      if (received.length < 4) return undefined;
      expect(received.readInt32BE(0) === address.port);
      return true;
    },
  }).then(() => undefined);

/** The version of the NATS server there. It says so before any TLS and password. */
export const probeNats = (address: Address): Promise<string> =>
  ask(address, {
    read(received) {
      const line = received.toString();
      expect(line.slice(0, 5) === 'INFO '.slice(0, line.length));
      return line.includes('\r\n') ? (JSON.parse(line.slice(5, line.indexOf('\r\n'))) as Versioned).version : undefined;
    },
  });

/** The version of the Redis server there; `?` where it wants a password first. */
export const probeRedis = (address: Address, tls?: boolean): Promise<string> =>
  ask(address, {
    say: Buffer.from('PING\r\nINFO server\r\n'),
    read(received) {
      const text = received.toString();
      if (!text.includes('\r\n')) return undefined;
      if (/^-(NOAUTH|WRONGPASS) /.test(text)) return '?';
      // Not while it still reads its data.
      expect(text.startsWith('+PONG\r\n'));
      return /^redis_version:(\S+)\r$/m.exec(text)?.[1];
    },
    tls,
  });

/** The version of the nsqd there, by its TCP address. It says so before any TLS and password. */
export function probeNsqd(address: Address): Promise<string> {
  const wishes = Buffer.from('{"feature_negotiation":true}');
  const size = Buffer.alloc(4);
  size.writeInt32BE(wishes.length);
  return ask(address, {
    say: Buffer.concat([Buffer.from('  V2IDENTIFY\n'), size, wishes]),
    read(received) {
      if (received.length < 8) return undefined;
      expect(received.readInt32BE(4) === 0);
      const end = 4 + received.readInt32BE(0);
      return received.length < end ? undefined : (JSON.parse(received.toString('utf8', 8, end)) as Versioned).version;
    },
  });
}

/** The version of the nsqlookupd there, by its HTTP address. */
export async function probeNsqlookupd(address: Address): Promise<string> {
  return (await getJson<Versioned>(address, '/info')).version;
}

/** TCP ports of the nsqds that are registered with the nsqlookupd there. */
export async function registeredNsqds(address: Address): Promise<number[]> {
  const { producers } = await getJson<{ producers: { tcp_port: number }[] }>(address, '/nodes');
  return producers.map(({ tcp_port }) => tcp_port);
}

/** Resolves when an HTTP server says that all is well there. */
export async function probeHttp(address: Address, path: string): Promise<void> {
  await (await get(address, path)).text();
}

interface Versioned {
  version: string;
}

async function getJson<T>(address: Address, path: string): Promise<T> {
  return (await (await get(address, path)).json()) as T;
}

async function get({ host, port }: Address, path: string): Promise<Response> {
  const response = await fetch(`http://${host}:${port}${path}`, {
    signal: AbortSignal.timeout(patienceMs),
    headers: { connection: 'close' },
  });
  if (!response.ok) throw new Error(`${host}:${port}${path} answers ${response.status}`);
  return response;
}
