import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Message, Subscribe, Subscription } from '@order-events/messaging';
import { describeBroker, eventually, sharedBroker } from '@order-events/testing';
import {
  CompressionCodecs,
  CompressionTypes,
  Kafka,
  logLevel,
  Partitioners,
  type Message as Outgoing,
  type Producer,
} from 'kafkajs';
import { Client } from './client';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  let brokers: string;
  let prefix: string;
  let errors: Error[];
  let transports: KafkaTransport[];
  let subscriptions: Subscription[];

  beforeEach(async () => {
    const { env } = await sharedBroker('kafka');
    [brokers, prefix] = [env.KAFKA_BROKERS!, env.TOPIC_PREFIX!];
    [errors, transports, subscriptions] = [[], [], []];
  });
  afterEach(async () => {
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    await Promise.all(transports.map((transport) => transport.close()));
  });

  const open = () => {
    const onError = (error: Error) => void errors.push(error);
    const transport = new KafkaTransport({ brokers, applicationName: 'test', prefix, onError });
    transports.push(transport);
    return transport;
  };
  const subscribe = async (handle: Subscribe['handle'], more: Partial<Subscribe> = {}) => {
    const defaults = { group: 'g', topics: ['things'], batch: 20, waitMs: 2, inFlight: 100, parallel: 2 };
    const subscription = await open().subscribe({ ...defaults, handle, ...more });
    subscriptions.push(subscription);
    return subscription;
  };
  const declared = async (...topics: string[]) => {
    const transport = open();
    await transport.declare((topics.length > 0 ? topics : ['things']).map((topic) => ({ topic, groups: ['g'] })));
    return transport;
  };
  const told = (text: string) => errors.some(({ message }) => message.includes(text));
  /** What another program does, with the same client. */
  const foreign = async (compression: CompressionTypes, messages: Outgoing[], transactionalId?: string) => {
    const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, transactionalId });
    await producer.connect();
    const topic = `${prefix}things`;
    if (transactionalId) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages });
      await transaction.commit();
    } else await producer.send({ topic, compression, messages });
    await producer.disconnect();
  };

  describe('publishing', () => {
    test('what is too large or has no possible topic is refused alone', async () => {
      const transport = await declared();
      const batch = [
        message('a'),
        message('b', { body: Buffer.alloc(1_100_000) }),
        message('c', { topic: 'no topic' }),
        message('d'),
      ];
      const stored = { stored: true };
      const refused = { stored: false, problem: 'refused', detail: expect.any(String) };
      expect(await transport.publish(batch)).toEqual([stored, refused, refused, stored]);
      expect(await transport.backlog('g')).toBe(2);
    });

    test('what a broker takes less of than others is refused alone, too', async () => {
      const transport = await declared();
      const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: `${prefix}things`, configEntries }],
      });
      await admin.disconnect();
      const incompressible = Buffer.from(Array.from({ length: 30_000 }, () => Math.random() * 256));
      const batch = [message('a'), message('a', { body: incompressible }), message('a')];
      const settled = async () => (await transport.publish(batch)).map((one) => ('problem' in one ? one.problem : ''));
      // It takes a moment until the broker keeps to it.
      await eventually(async () => (await settled()).join() === ',refused,');
    });

    test('messages that are too many for one request are sent in several', async () => {
      const transport = await declared();
      const batch = Array.from({ length: 12 }, () => message('one', { body: Buffer.alloc(300_000, randomUUID()) }));
      expect(await transport.publish(batch)).toEqual(batch.map(() => ({ stored: true })));
      expect(await transport.backlog('g')).toBe(12);
    });

    test('many callers at once are answered each for its own', async () => {
      const transport = await declared();
      const batches = Array.from({ length: 20 }, (_, n) => [message(`${n}`), message('x'), message(`${n}`)]);
      const settlements = await Promise.all(batches.map((batch) => transport.publish(batch)));
      expect(settlements).toEqual(batches.map((batch) => batch.map(() => ({ stored: true }))));
      expect(await transport.backlog('g')).toBe(60);
    });

    test('a success that the client reports for fewer partitions than were sent is none', async () => {
      const transport = await declared();
      await transport.publish([message('a')]);
      const { producer } = (transport as unknown as { publisher: { session: { producer: Producer } } }).publisher
        .session;
      const sendBatch = producer.sendBatch.bind(producer);
      producer.sendBatch = async (batch) => (await sendBatch(batch)).slice(1);
      const batch = Array.from({ length: 40 }, (_, n) => message(`${n}`));
      const unproved = await transport.publish(batch);
      expect(unproved).toEqual(batch.map(() => expect.objectContaining({ stored: false, problem: 'unavailable' })));
    });

    test('a topic keeps the order of a key', async () => {
      const transport = await declared();
      const sent = Array.from({ length: 300 }, (_, n) => message(`${n % 7}`, { body: Buffer.from(`${n}`) }));
      for (let n = 0; n < sent.length; n += 25) await transport.publish(sent.slice(n, n + 25));
      const got: number[] = [];
      let rejections = 4;
      await subscribe(async (batch) => {
        if (Math.random() < 0.3 && rejections-- > 0) throw new Error('not now');
        got.push(...batch.map(({ body }) => Number(Buffer.from(body).toString())));
      });
      await until(() => got.length >= 300);
      expect(got.length).toBe(300);
      for (let key = 0; key < 7; key++) {
        const ofKey = got.filter((n) => n % 7 === key);
        expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
      }
    });
  });

  describe('consuming', () => {
    test('what is rejected again and again holds up its partition only, and does not come in a hot loop', async () => {
      const transport = await declared();
      await transport.publish([message('poison'), ...Array.from({ length: 60 }, (_, n) => message(`${n}`))]);
      const seen = new Set<string>();
      let tries = 0;
      let bad = true;
      await subscribe(async (batch) => {
        if (bad && batch.some(({ key }) => key === 'poison')) {
          tries++;
          throw new TypeError('an error after which the client alone would not start again');
        }
        for (const { key } of batch) seen.add(key);
      });
      await until(() => seen.size > 40 && tries >= 4);
      const [before, since] = [tries, performance.now()];
      await transport.publish(Array.from({ length: 60 }, (_, n) => message(`later-${n}`)));
      await until(() => [...seen].filter((key) => key.startsWith('later')).length > 40);
      expect(tries - before).toBeLessThan(10 + (performance.now() - since) / 50);
      bad = false;
      await until(() => seen.size === 121);
    });

    test('what other programs put on a topic reaches the handler: no key, no body, odd headers, a transaction', async () => {
      const transport = await declared();
      await foreign(CompressionTypes.None, [
        { key: null, value: null },
        { value: 'not json', headers: { ce_partitionkey: 'p', twice: ['1', '2'] } },
      ]);
      await foreign(CompressionTypes.None, [{ key: 'k', value: '{}' }], randomUUID());
      const got: Message[] = [];
      const subscription = await subscribe(async (batch) => void got.push(...batch));
      await until(() => got.length === 3);
      await subscription.close();
      const plain = got.map(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body).toString() }));
      expect(plain.sort((a, b) => a.body.localeCompare(b.body))).toEqual([
        { topic: 'things', key: '', headers: {}, body: '' },
        { topic: 'things', key: 'k', headers: {}, body: '{}' },
        { topic: 'things', key: 'p', headers: { 'ce-partitionkey': 'p', twice: '2' }, body: 'not json' },
      ]);
      expect(await transport.backlog('g')).toBe(0);
    });

    test('CloudEvents attributes are called ce_… on the wire', async () => {
      const transport = await declared();
      await transport.publish([message('k', { headers: { 'ce-id': '1', 'content-type': 'application/json' } })]);
      const client = new Client({ brokers, applicationName: 'test' });
      const consumer = client.kafka.consumer({ groupId: `${prefix}other` });
      await consumer.subscribe({ topic: `${prefix}things`, fromBeginning: true });
      const headers: unknown[] = [];
      await consumer.run({ eachMessage: async ({ message: got }) => void headers.push(Object.keys(got.headers!)) });
      await until(() => headers.length === 1);
      await consumer.disconnect();
      expect(headers).toEqual([['ce_id', 'content-type']]);
    });

    test('a codec that the client lacks is complained of, and read on after it was added', async () => {
      await declared();
      const codecs = CompressionCodecs as Record<number, unknown>;
      const lacking = codecs[CompressionTypes.Snappy];
      // The shortest there is: a length below 128, and one literal as long.
      const snappy = {
        compress: async ({ buffer }: { buffer: Buffer }) =>
          Buffer.concat([Buffer.from([buffer.length, 60 << 2, buffer.length - 1]), buffer]),
        decompress: async (compressed: Buffer) => compressed.subarray(3),
      };
      codecs[CompressionTypes.Snappy] = () => snappy;
      await foreign(CompressionTypes.Snappy, [{ value: 'x' }]);
      codecs[CompressionTypes.Snappy] = lacking;
      let count = 0;
      await subscribe(async (batch) => void (count += batch.length));
      await until(() => told('Snappy compression not implemented'));
      codecs[CompressionTypes.Snappy] = () => snappy;
      await until(() => count === 1);
      codecs[CompressionTypes.Snappy] = lacking;
    });

    test('replicas of two versions that want different topics each read theirs', async () => {
      const transport = await declared('known');
      const seen: string[] = [];
      const handle = async (batch: readonly Message[]) => void seen.push(...batch.map(({ topic, key }) => topic + key));
      await subscribe(handle, { topics: ['known'] });
      await transport.publish([message('1', { topic: 'known' })]);
      await until(() => seen.includes('known1'));
      await declared('known', 'added');
      const newer = await subscribe(handle, { topics: ['known', 'added'] });
      const keys = Array.from({ length: 30 }, (_, n) => `-${n}`);
      for (const topic of ['known', 'added']) await transport.publish(keys.map((key) => message(key, { topic })));
      const all = (topic: string) => keys.every((key) => seen.includes(topic + key));
      await until(() => all('known') && all('added'));
      // The older one is alone again: what it does not know waits.
      await newer.close();
      await transport.publish([message('2', { topic: 'added' }), message('2', { topic: 'known' })]);
      await until(() => seen.includes('known2'));
      expect(seen).not.toContain('added2');
      expect(await transport.backlog('g')).toBe(1);
    });

    test('the events of a key on several topics are never in two calls at once, nor with two members', async () => {
      const topics = ['a', 'b', 'c'];
      const transport = await declared(...topics);
      const busy = new Map<string, number>();
      let [overlaps, count] = [0, 0];
      const handle = async (batch: readonly Message[]) => {
        const keys = new Set(batch.map(({ key }) => key));
        for (const key of keys) {
          if (busy.get(key)) overlaps++;
          busy.set(key, (busy.get(key) ?? 0) + 1);
        }
        await new Promise((resolve) => setTimeout(resolve, 3));
        for (const key of keys) busy.set(key, busy.get(key)! - 1);
        count += batch.length;
      };
      await subscribe(handle, { topics, batch: 5, parallel: 4 });
      await subscribe(handle, { topics, batch: 5, parallel: 4 });
      for (let round = 0; round < 10; round++) {
        const batch = topics.flatMap((topic) => Array.from({ length: 15 }, (_, n) => message(`${n}`, { topic })));
        await transport.publish(batch);
      }
      await until(() => count === 450);
      expect(overlaps).toBe(0);
    });
  });

  describe('topology', () => {
    test('a group that is declared later gets what comes from then on, and one that is there keeps what it holds', async () => {
      const transport = await declared();
      await transport.publish([message('early')]);
      const both = [{ topic: 'things', groups: ['g', 'late'] }];
      await Promise.all([open().declare(both), open().declare(both)]);
      await transport.publish([message('now')]);
      await open().declare(both);
      expect([await transport.backlog('g'), await transport.backlog('late')]).toEqual([2, 1]);
      const seen: string[] = [];
      await subscribe(async (batch) => void seen.push(...batch.map(({ key }) => key)), { group: 'late' });
      await until(() => seen.length > 0);
      expect(seen).toEqual(['now']);
    });

    test('a group whose members are at work can be given another topic', async () => {
      const transport = await declared();
      const seen: string[] = [];
      const handle = async (batch: readonly Message[]) => void seen.push(...batch.map(({ key }) => key));
      await subscribe(handle);
      await transport.publish([message('1')]);
      await until(() => seen.includes('1'));
      await transport.declare([{ topic: 'more', groups: [] }]);
      await transport.publish([message('old', { topic: 'more' })]);
      await declared('things', 'more');
      await transport.publish([message('new', { topic: 'more' }), message('2')]);
      await until(() => seen.includes('2'));
      expect(await transport.backlog('g')).toBe(1);
      await subscribe(handle, { topics: ['things', 'more'] });
      await until(() => seen.includes('new'));
      expect(seen).not.toContain('old');
    });
  });

  test('connections that have nothing to do take no time', async () => {
    const transport = await declared();
    await transport.publish([message('k')]);
    const { prototype } = jest.requireActual<{ prototype: { checkPendingRequests(): void } }>(
      'kafkajs/src/network/requestQueue',
    );
    const looks = jest.spyOn(prototype, 'checkPendingRequests');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(looks.mock.calls.length).toBeLessThan(10);
    looks.mockRestore();
  });

  test('a process whose transport was closed ends by itself', async () => {
    await declared();
    const program = `
      const { KafkaTransport } = require(${JSON.stringify(join(__dirname, 'transport.ts'))});
      const options = ${JSON.stringify({ brokers, prefix, applicationName: 'test' })};
      (async () => {
        const transport = new KafkaTransport({ ...options, onError: console.error });
        let got = () => {};
        const some = new Promise((resolve) => (got = resolve));
        const subscribe = { topics: ['things'], batch: 10, waitMs: 0, inFlight: 10, parallel: 1 };
        const one = await transport.subscribe({ ...subscribe, group: 'g', handle: async () => got() });
        const two = await transport.subscribe({ ...subscribe, group: null, handle: async () => {} });
        await transport.publish([{ topic: 'things', key: 'k', headers: {}, body: Buffer.from('{}') }]);
        await some;
        console.log(await transport.backlog('g') >= 0);
        await Promise.all([one.close(), two.close()]);
        await transport.close();
      })();`;
    const load = join(__dirname, '..', '..', '..', 'testing', 'typescript.cjs');
    const child = spawn(process.execPath, ['-C', '@order-events/source', '-r', load, '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, output }).toEqual({ code: 0, output: 'true\n' });
  });
});

const message = (key: string, more: Partial<Message> = {}): Message => ({
  topic: 'things',
  key,
  headers: { 'ce-id': randomUUID() },
  body: Buffer.from('{}'),
  ...more,
});

/** Leaves the processor to others in between. */
const until = (condition: () => boolean | Promise<boolean>) =>
  eventually(async () => (await condition()) || (await new Promise((resolve) => setTimeout(resolve, 20, false))));
