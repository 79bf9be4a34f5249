import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket, type AddressInfo, connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import type { Message, Subscribe } from '@order-events/messaging';
import {
  addressesIn,
  describeBroker,
  eventually,
  FaultProxy,
  privateBroker,
  sharedBroker,
} from '@order-events/testing';
import { connect, DiscardPolicy, RetentionPolicy, StorageType, type JetStreamManager, type NatsConnection } from 'nats';
import { NatsTransport } from './transport';

describeBroker('nats', () => {
  let url: string;
  let prefix: string;
  let stream: string;
  let errors: Error[];
  let transports: NatsTransport[];
  let bystander: NatsConnection;
  let jsm: JetStreamManager;

  beforeEach(async () => {
    const { env } = await sharedBroker('nats');
    [url, prefix] = [env.NATS_URL!, env.TOPIC_PREFIX!];
    stream = `${prefix.replace('.', '%2E')}ORDER_EVENTS`;
    [errors, transports] = [[], []];
    bystander = await connect({ servers: url.slice('nats://'.length) });
    jsm = await bystander.jetstreamManager();
  });
  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    await bystander.close();
  });

  const open = (to = url, itsPrefix = prefix) => {
    const onError = (error: Error) => void errors.push(error);
    const transport = new NatsTransport({ url: to, applicationName: 'test', prefix: itsPrefix, onError });
    transports.push(transport);
    return transport;
  };
  const declared = async (...topics: string[]) => {
    const transport = open();
    await transport.declare((topics.length ? topics : ['things']).map((topic) => ({ topic, groups: ['g'] })));
    return transport;
  };
  const member = (transport: NatsTransport, handle: Subscribe['handle'], more: Partial<Subscribe> = {}) =>
    transport.subscribe({
      group: 'g',
      topics: ['things'],
      batch: 10,
      waitMs: 0,
      inFlight: 50,
      parallel: 2,
      handle,
      ...more,
    });
  /** All that waits for the group, once each delivery is handled. */
  const drained = async (transport: NatsTransport, count: number) => {
    const messages: Message[] = [];
    const subscription = await member(transport, (batch) => Promise.resolve(void messages.push(...batch)));
    await eventually(() => messages.length >= count);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
    return messages;
  };

  describe('publishing', () => {
    test('an id is stored once, again with another number of the resend, and on another topic', async () => {
      const transport = await declared('things', 'others');
      const one = message();
      const resent = { ...one, headers: { ...one.headers, 'ce-resend': '1' } };
      const other = { ...one, topic: 'others' };
      expect(await transport.publish([one, one, resent, other, one])).toEqual(Array(5).fill({ stored: true }));
      expect(await transport.backlog('g')).toBe(3);
    });

    test('a publish whose answer got lost is stored once when it is tried again', async () => {
      const transport = await declared();
      const proxy = await FaultProxy.to(addressesIn(url)[0]!);
      const cutOff = open(`nats://127.0.0.1:${proxy.port}`);
      await cutOff.ping();
      proxy.blackHole();
      const one = message();
      expect(await cutOff.publish([one])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
      // What was lost arrives late.
      await proxy.heal();
      await eventually(async () => (await transport.backlog('g')) === 1);
      expect(await cutOff.publish([one])).toEqual([{ stored: true }]);
      expect(await transport.backlog('g')).toBe(1);
      await proxy.close();
    });

    test('a topic that nobody declared is not stored, and is once it is declared', async () => {
      const transport = open();
      const one = message();
      expect(await transport.publish([one])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
      await declared();
      expect(await transport.publish([one])).toEqual([{ stored: true }]);
    });

    test('the proof of another stream is none', async () => {
      await jsm.streams.add({ name: `OTHER-${randomUUID()}`, subjects: [`${prefix}things`] });
      expect(await open().publish([message()])).toMatchObject([
        { stored: false, problem: 'unavailable', detail: expect.stringContaining('expected stream') },
      ]);
    });

    test('what no server takes is refused, alone', async () => {
      const transport = await declared();
      const headers = (more: Record<string, string>) => message({ headers: { 'ce-id': randomUUID(), ...more } });
      const unfit = [
        message({ body: Buffer.alloc(1024 * 1024) }),
        message({ topic: 'things 0\r\n\r\nPUB things' }),
        message({ topic: 'things.*' }),
        message({ topic: '' }),
        headers({ 'Nats-Rollup': 'all' }),
        headers({ 'not a name': 'x' }),
        headers({ 'content-type': 'x\r\nNats-Rollup: all' }),
      ];
      const settlements = await transport.publish([message(), ...unfit, message()]);
      expect(settlements.map((settlement) => settlement.stored || settlement.problem)).toEqual([
        true,
        ...unfit.map(() => 'refused'),
        true,
      ]);
      expect(await transport.backlog('g')).toBe(2);
      expect(errors).toEqual([]);
    });

    test('the largest message that it promises to take', async () => {
      const transport = await declared();
      const headers = { 'ce-id': randomUUID(), 'content-type': 'application/json' };
      const body = Buffer.alloc(transport.capabilities.maxBytes - JSON.stringify(headers).length);
      expect(await transport.publish([message({ headers, body })])).toEqual([{ stored: true }]);
    });

    test('a full stream drops nothing that waits, and takes more when there is room again', async () => {
      const transport = await declared();
      await jsm.streams.update(stream, { max_msgs: 3 });
      const batch = Array.from({ length: 5 }, () => message());
      const settlements = await transport.publish(batch);
      expect(settlements.filter(({ stored }) => stored)).toHaveLength(3);
      expect(settlements.filter(({ stored }) => !stored)).toMatchObject(Array(2).fill({ problem: 'unavailable' }));
      await drained(transport, 3);
      const left = batch.filter((_, index) => !settlements[index]!.stored);
      expect(await transport.publish(left)).toEqual(left.map(() => ({ stored: true })));
    });
  });

  describe('declaring', () => {
    test('by several at once, for different topics', async () => {
      const topics = ['a', 'b.c', 'd', 'e', 'f'];
      await Promise.all(topics.map((topic) => open().declare([{ topic, groups: ['g', `of.${topic}`] }])));
      const transport = open();
      // The last to write may have read before another wrote; what each declared is there when it is declared again.
      for (const topic of topics) await transport.declare([{ topic, groups: ['g', `of.${topic}`] }]);
      await transport.publish(topics.map((topic) => message({ topic })));
      expect(await transport.backlog('g')).toBe(5);
      for (const topic of topics) expect(await transport.backlog(`of.${topic}`)).toBe(1);
    });

    test('keeps what groups hold, and takes no topic from them that a newer version gave them', async () => {
      const transport = await declared('things', 'newer');
      await transport.publish([message(), message({ topic: 'newer' })]);
      await declared('things');
      await transport.publish([message({ topic: 'newer' })]);
      expect(await transport.backlog('g')).toBe(3);
    });

    test.each([
      ['limits', { retention: RetentionPolicy.Limits }],
      ['memory', { retention: RetentionPolicy.Interest, storage: StorageType.Memory }],
      ['max_age', { retention: RetentionPolicy.Interest, discard: DiscardPolicy.New, max_age: 3_600_000_000_000 }],
    ])('refuses a stream that would lose events: %s', async (word, config) => {
      await jsm.streams.add({ name: stream, subjects: [`${prefix}things`], ...config });
      await expect(declared()).rejects.toThrow(word);
    });

    test('never lets the server give up on a message', async () => {
      await declared();
      const { config } = await jsm.consumers.info(stream, `${prefix.replace('.', '%2E')}g`);
      expect(config).toMatchObject({ max_deliver: -1, ack_policy: 'explicit', ack_wait: 10_000_000_000 });
      expect(config.backoff).toBeUndefined();
    });
  });

  describe('consuming', () => {
    test('what is rejected comes again later each time, and never stops coming', async () => {
      const transport = await declared();
      await transport.publish([message()]);
      const times: number[] = [];
      const subscription = await member(transport, () => {
        times.push(performance.now());
        return times.length < 6 ? Promise.reject(new Error('not now')) : Promise.resolve();
      });
      await eventuallySlowly(() => times.length === 6);
      await subscription.close();
      const gaps = times.slice(1).map((time, index) => time - times[index]!);
      // 100 ms, doubled each time. A timer of another process may be a little early.
      gaps.forEach((gap, index) => expect(gap).toBeGreaterThan(95 * 2 ** index));
      expect(await transport.backlog('g')).toBe(0);
      expect(errors.map(({ message: text }) => text)).toEqual(Array(5).fill('not now'));
    });

    test('a handler that throws instead of rejecting', async () => {
      const transport = await declared();
      await transport.publish([message()]);
      let calls = 0;
      const subscription = await member(transport, () => {
        if (calls++ === 0) throw new Error('thrown');
        return Promise.resolve();
      });
      await eventually(() => calls === 2);
      await subscription.close();
      expect(await transport.backlog('g')).toBe(0);
    });

    test('what other programs publish arrives, however odd, and holds up nothing', async () => {
      const transport = await declared();
      bystander.publish(`${prefix}things`, 'no headers');
      await bystander.flush();
      const odd = [
        'NATS/1.0\r\nno name: x\r\n\r\n',
        'NATS/1.0\r\nno colon\r\n\r\n',
        'NATS/1.0\r\nce-a: 100%\r\nce-b: a\r\nce-b: b\r\nce-partitionkey: p\r\n\r\n',
        'NATS/1.0 503\r\n\r\n',
      ];
      await rawPublish(url, `${prefix}things`, odd);
      const ours = message({ body: Buffer.from('ours') });
      await transport.publish([ours]);
      const messages = await drained(transport, odd.length + 2);
      const told = messages.map(({ key, headers, body }) => ({ key, headers, body: Buffer.from(body).toString() }));
      expect(told).toHaveLength(odd.length + 2);
      expect(told).toEqual(
        expect.arrayContaining([
          { key: '', headers: {}, body: 'no headers' },
          ...Array<object>(3).fill({ key: '', headers: {}, body: 'odd' }),
          { key: 'p', headers: { 'ce-a': '100%', 'ce-b': 'a', 'ce-partitionkey': 'p' }, body: 'odd' },
          { key: ours.key, headers: ours.headers, body: 'ours' },
        ]),
      );
      expect(errors).toEqual([]);
    });

    test('headers and keys come through as they are', async () => {
      const transport = await declared();
      const headers = {
        'ce-id': randomUUID(),
        'ce-odd': ' \t"quoted" 100%25 \r\n\0ü 💶 ',
        'content-type': 'application/json; charset=utf-8',
        'X-Plain': '  a: b  ',
        empty: '',
      };
      await transport.publish([message({ key: ' k\n', headers })]);
      expect(await drained(transport, 1)).toMatchObject([{ key: ' k\n', headers }]);
    });

    test('a subscription closed while there is much to fetch gives the rest to the next at once', async () => {
      const transport = await declared();
      await transport.publish(Array.from({ length: 200 }, () => message()));
      const handled: string[] = [];
      const handle = async (batch: readonly Message[]) => {
        await new Promise(setImmediate);
        handled.push(...batch.map(({ headers }) => headers['ce-id']!));
      };
      while (handled.length < 200) {
        const subscription = await member(transport, handle, { inFlight: 40 });
        const before = handled.length;
        await eventually(() => handled.length > before);
        await subscription.close();
        await subscription.close();
      }
      expect(new Set(handled).size).toBe(200);
      expect(handled.length).toBe(200);
      expect(await transport.backlog('g')).toBe(0);
    });

    test('goes on asking while nothing comes, and never for more than it may hold', async () => {
      const transport = await declared();
      const asked: number[] = [];
      const name = `${prefix.replace('.', '%2E')}g`;
      bystander.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, {
        callback: (_, request) => asked.push(request.json<{ batch: number }>().batch),
      });
      await bystander.flush();
      let handled = 0;
      const handle = (batch: readonly Message[]) => Promise.resolve(void (handled += batch.length));
      const subscription = await member(transport, handle, { inFlight: 7 });
      await eventuallySlowly(() => asked.length === 3);
      await transport.publish([message()]);
      await eventually(() => handled === 1);
      await subscription.close();
      expect(asked.slice(0, 3)).toEqual([7, 7, 7]);
    });

    test('asks anew when the server is there and says nothing about the messages', async () => {
      let requests = 0;
      const mute = await stub({ version: '2.10.0', max_payload: 1_048_576 }, (said) => {
        requests += said.split('PUB $JS.API.CONSUMER.MSG.NEXT').length - 1;
      });
      const transport = open(`nats://127.0.0.1:${mute.port}`);
      const subscription = await member(transport, () => Promise.resolve());
      await eventuallySlowly(() => requests === 2);
      expect(errors.map(({ message: text }) => text)).toEqual([expect.stringContaining('no sign of life')]);
      expect(mute.sockets).toHaveLength(1);
      await subscription.close();
      await transport.close();
      await mute.close();
    });

    test('a follower leaves nothing on the server', async () => {
      const transport = await declared();
      const subscription = await member(transport, () => Promise.resolve(), { group: null });
      const consumers = async () => (await jsm.streams.info(stream)).state.consumer_count;
      await eventually(async () => (await consumers()) === 2);
      await subscription.close();
      expect(await consumers()).toBe(1);
    });
  });

  describe('connecting', () => {
    test.each([
      ['version', { version: '2.9.10', max_payload: 1_048_576 }, 'version 2.9.10, and at least 2.10'],
      ['largest message', { version: '2.10.0', max_payload: 65_536 }, 'up to 65536 bytes'],
    ])('to a server whose %s does not suffice is refused, aloud', async (_, info, reason) => {
      const old = await stub(info);
      await expect(open(`nats://127.0.0.1:${old.port}`).ping()).rejects.toThrow(reason);
      expect(errors[0]!.message).toContain(reason);
      await Promise.all(transports.map((transport) => transport.close()));
      await old.close();
    });

    test('takes the one of several servers that is there', async () => {
      const { port } = new URL(url);
      await open(`nats://127.0.0.1:1,nats://127.0.0.1:${port}`).ping();
    });

    test('with TLS and a password', async () => {
      const secure = await privateBroker('nats', { secure: true });
      const caFile = secure.security!.certificate;
      const to = (address: string, tls?: { caFile: string }) => {
        const onError = (error: Error) => void errors.push(error);
        const transport = new NatsTransport({ url: address, tls, applicationName: 'test', prefix, onError });
        transports.push(transport);
        return transport;
      };
      const { NATS_URL: address } = secure.env;
      const transport = to(address!, { caFile });
      await transport.declare([{ topic: 'things', groups: ['g'] }]);
      expect(await transport.publish([message()])).toEqual([{ stored: true }]);
      expect(await drained(transport, 1)).toHaveLength(1);
      expect(errors).toEqual([]);
      await expect(to(address!).ping()).rejects.toThrow(/certificate/);
      const wrong = address!.replace(secure.security!.password, 'wrong');
      await expect(to(wrong, { caFile }).ping()).rejects.toThrow(/[Aa]uthorization/);
      await Promise.all(transports.map((each) => each.close()));
      await secure.remove();
    });

    test('a process that has closed everything ends by itself', async () => {
      await declared();
      expect(await run(PROGRAM, { URL_OF_NATS: url, PREFIX: prefix })).toEqual([0, 'handled\nclosed\n']);
    });

    test('nor is anything left of servers that take a connection and say nothing', async () => {
      const silent = await listening(() => undefined);
      const address = `nats://127.0.0.1:${silent.port}`;
      expect(await run(SILENT_PROGRAM, { URL_OF_NATS: address })).toEqual([0, 'closed\n']);
      expect(silent.sockets.length).toBeGreaterThan(0);
      await eventually(() => silent.sockets.every(({ destroyed }) => destroyed));
      await silent.close();
    });
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

const message = (more: Partial<Message> = {}): Message => ({
  topic: 'things',
  key: randomUUID(),
  headers: { 'ce-id': randomUUID() },
  body: Buffer.from('{}'),
  ...more,
});

/** For what takes seconds: leaves the processor to others in between. */
const eventuallySlowly = (condition: () => boolean) =>
  eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return condition();
  });

/** Publishes with headers that no client would make. */
async function rawPublish(url: string, subject: string, headers: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connectSocket(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.write('CONNECT {"headers":true,"verbose":false}\r\n');
  for (const header of headers) {
    socket.write(`HPUB ${subject} ${header.length} ${header.length + 3}\r\n${header}odd\r\n`);
  }
  socket.write('PING\r\n');
  await eventually(() => received.includes('PONG'));
  socket.destroy();
}

/** Says what a server says first, and answers pings. */
const stub = (info: Record<string, unknown>, hear: (said: string) => void = () => undefined) =>
  listening((socket) => {
    socket.write(`INFO ${JSON.stringify({ ...info, proto: 1, headers: true })}\r\n`);
    socket.on('data', (chunk: Buffer) => {
      hear(chunk.toString());
      socket.write('PONG\r\n'.repeat(chunk.toString().split('PING\r\n').length - 1));
    });
  });

async function listening(greet: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    sockets,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
