import { randomUUID } from 'node:crypto';
import type { Message } from '@order-events/messaging';
import { describeBroker, eventually } from '@order-events/testing';
import {
  CompressionCodecs,
  CompressionTypes,
  Kafka,
  logLevel,
  Partitioners,
  type Message as Outgoing,
  type PartitionMetadata,
} from 'kafkajs';
import { TestKafka } from '../test/kafka';
import { message } from '../test/message';
import { Client } from './client';
import { PARTITIONS } from './topology';

describeBroker('kafka', () => {
  let kafka: TestKafka;
  beforeEach(async () => {
    kafka = await TestKafka.shared();
  });
  afterEach(() => kafka.close());

  /** What another program does, with the same client. */
  const foreign = async (compression: CompressionTypes, messages: Outgoing[], transactionalId?: string) => {
    const client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING });
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner, transactionalId });
    await producer.connect();
    const topic = `${kafka.prefix}things`;
    if (transactionalId) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages });
      await transaction.commit();
    } else await producer.send({ topic, compression, messages });
    await producer.disconnect();
  };

  const codecs = CompressionCodecs as Record<number, unknown>;
  const ours = codecs[CompressionTypes.Snappy];
  const lacking = codecs[CompressionTypes.LZ4];
  afterEach(() => void (codecs[CompressionTypes.Snappy] = ours));

  /** Puts a message on the topic that nobody can read until the function that it resolves to was called. */
  const unreadable = async (key: string) => {
    await foreign(CompressionTypes.Snappy, [{ key, value: 'x' }]);
    codecs[CompressionTypes.Snappy] = lacking;
    return () => void (codecs[CompressionTypes.Snappy] = ours);
  };

  test('what is rejected again and again holds up its partition only, and does not come in a hot loop', async () => {
    const transport = await kafka.declared();
    await transport.publish([message('poison'), ...Array.from({ length: 60 }, (_, n) => message(`${n}`))]);
    const seen = new Set<string>();
    let tries = 0;
    let firstTry = Infinity;
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.99);
    let bad = true;
    await kafka.subscribe(async (batch) => {
      if (bad && batch.some(({ key }) => key === 'poison')) {
        tries++;
        firstTry = Math.min(firstTry, performance.now());
        throw new TypeError('an error after which the client alone would not start again');
      }
      for (const { key } of batch) seen.add(key);
    });
    await eventually(() => seen.size > 40 && tries >= 4);
    // 100, 200 and 400 ms lie between them, with as little jitter as there may be.
    expect(performance.now() - firstTry).toBeGreaterThan(650);
    random.mockRestore();
    const [before, since] = [tries, performance.now()];
    await transport.publish(Array.from({ length: 60 }, (_, n) => message(`later-${n}`)));
    await eventually(() => [...seen].filter((key) => key.startsWith('later')).length > 40);
    expect(tries - before).toBeLessThan(10 + (performance.now() - since) / 50);
    bad = false;
    await eventually(() => seen.size === 121);
  });

  test('what is held comes once, however much its member fetches beside it, and its partition goes on after it', async () => {
    const transport = await kafka.declared();
    const keys = Array.from({ length: PARTITIONS }, (_, partition) => keyIn(partition));
    const [held, ...others] = keys as [string, ...string[]];
    const got: string[] = [];
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const subscription = await kafka.subscribe(async (batch) => {
      got.push(...batch.map(({ key }) => key));
      if (batch.some(({ key }) => key === held)) await gate;
    });
    await transport.publish([message(held)]);
    await eventually(() => got.length === 1);
    for (const key of others) {
      await transport.publish([message(key)]);
      await eventually(() => got.includes(key));
    }
    letGo();
    await transport.publish([message(held)]);
    await eventually(() => got.length > keys.length);
    await subscription.close();
    expect(got).toEqual([...keys, held]);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('what other programs put on a topic reaches the handler: no key, no body, odd headers, a transaction', async () => {
    const transport = await kafka.declared();
    await foreign(CompressionTypes.None, [
      { key: null, value: null },
      { value: 'not json', headers: { ce_partitionkey: 'p', twice: ['1', '2'] } },
    ]);
    await foreign(CompressionTypes.None, [{ key: 'k', value: '{}' }], randomUUID());
    const got: Message[] = [];
    const subscription = await kafka.subscribe(async (batch) => void got.push(...batch));
    await eventually(() => got.length === 3);
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
    const transport = await kafka.declared();
    await transport.publish([message('k', { headers: { 'ce-id': '1', 'content-type': 'application/json' } })]);
    const client = new Client({ brokers: kafka.brokers, applicationName: 'test' });
    const consumer = client.kafka.consumer({ groupId: `${kafka.prefix}other` });
    await consumer.subscribe({ topic: `${kafka.prefix}things`, fromBeginning: true });
    const headers: unknown[] = [];
    await consumer.run({ eachMessage: async ({ message: got }) => void headers.push(Object.keys(got.headers!)) });
    await eventually(() => headers.length === 1);
    await consumer.disconnect();
    expect(headers).toEqual([['ce_id', 'content-type']]);
  });

  test('a codec that the client lacks is complained of, and read on after it was added', async () => {
    await kafka.declared();
    const restore = await unreadable('x');
    let count = 0;
    await kafka.subscribe(async (batch) => void (count += batch.length));
    await eventually(() => kafka.told('LZ4 compression'));
    restore();
    await eventually(() => count === 1);
  });

  test('what is held while the client gives up is acknowledged all the same', async () => {
    const transport = await kafka.declared();
    const got: string[] = [];
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const subscription = await kafka.subscribe(async (batch) => {
      got.push(...batch.map(({ key }) => key));
      await gate;
    });
    await transport.publish([message('held')]);
    await eventually(() => got.length === 1);
    const restore = await unreadable('x');
    await eventually(() => kafka.told('LZ4 compression'));
    // By now a client that waits for nobody has left the group, and what it held could be acknowledged no more.
    expect(await transport.backlog('g')).toBe(2);
    letGo();
    await eventually(async () => (await transport.backlog('g')) === 1);
    restore();
    await eventually(() => got.length === 2);
    await subscription.close();
    expect(got).toEqual(['held', 'x']);
  });

  test('replicas of two versions that want different topics each read theirs', async () => {
    const transport = await kafka.declared('known');
    const seen: string[] = [];
    const handle = async (batch: readonly Message[]) => void seen.push(...batch.map(({ topic, key }) => topic + key));
    const older = await kafka.subscribe(handle, { topics: ['known'] });
    await transport.publish([message('1', { topic: 'known' })]);
    await eventually(() => seen.includes('known1'));
    await kafka.declared('known', 'added');
    const newer = await kafka.subscribe(handle, { topics: ['known', 'added'] });
    const keys = Array.from({ length: 30 }, (_, n) => `-${n}`);
    for (const topic of ['known', 'added']) await transport.publish(keys.map((key) => message(key, { topic })));
    const all = (topic: string) => keys.every((key) => seen.includes(topic + key));
    await eventually(() => all('known') && all('added'));
    // The older one is alone again: what it does not know waits.
    await newer.close();
    await transport.publish([message('2', { topic: 'added' }), message('2', { topic: 'known' })]);
    await eventually(() => seen.includes('known2'));
    // Then all that it handled is acknowledged.
    await older.close();
    expect(seen).not.toContain('added2');
    expect(await transport.backlog('g')).toBe(1);
  });

  test('the events of a key on several topics are never in two calls at once, nor with two members', async () => {
    const topics = ['a', 'b', 'c'];
    const transport = await kafka.declared(...topics);
    const keys = Array.from({ length: PARTITIONS }, (_, partition) => keyIn(partition));
    const calls = new Set<ReadonlySet<string>>();
    const callsOf = (key: string) => [...calls].filter((call) => call.has(key));
    const unhandled = new Map<string, number>();
    const count = (key: string, change: number) => unhandled.set(key, (unhandled.get(key) ?? 0) + change);
    const allHandled = () => keys.every((key) => unhandled.get(key) === 0);
    const publish = async (some: readonly string[], to = topics) => {
      for (const key of some) count(key, to.length);
      await transport.publish(to.flatMap((topic) => some.map((key) => message(key, { topic }))));
    };
    const membersAtWork = new Set<number>();
    let overlaps = 0;
    let gathering = false;
    let held = '';
    const handle = async (member: number, batch: readonly Message[]) => {
      const call = new Set(batch.map(({ key }) => key));
      for (const key of call) overlaps += callsOf(key).length;
      calls.add(call);
      await eventually(() => !gathering && !call.has(held));
      calls.delete(call);
      for (const { key } of batch) count(key, -1);
      membersAtWork.add(member);
    };
    for (const member of [1, 2]) {
      await kafka.subscribe((batch) => handle(member, batch), { topics, batch: 5, parallel: 4 });
    }
    while (membersAtWork.size < 2) {
      await publish(keys);
      await eventually(allHandled);
    }
    for (const [n, key] of keys.entries()) {
      // What is published while both members are at work gathers, and comes to each in few fetches.
      gathering = true;
      await publish(
        [1, 2].map((step) => keys[(n + step) % PARTITIONS]!),
        ['a'],
      );
      await eventually(() => calls.size === 2);
      await publish(keys);
      [held, gathering] = [key, false];
      const isStuck = (other: string) => callsOf(held).some((call) => call.has(other));
      await eventually(() => keys.every((other) => isStuck(other) || unhandled.get(other) === 0));
      held = '';
      await eventually(allHandled);
    }
    expect(overlaps).toBe(0);
  });

  test('who acknowledges first gets nothing of which the brokers have not said that they know', async () => {
    const transport = await kafka.declared();
    const handed: string[] = [];
    const handedWhenRefused: number[] = [];
    const { consumer } = Kafka.prototype;
    const making = jest.spyOn(Kafka.prototype, 'consumer').mockImplementation(function (this: Kafka, config) {
      const member = consumer.call(this, config);
      const { commitOffsets } = member;
      member.commitOffsets = (places) => {
        if (handedWhenRefused.length === 2) return commitOffsets(places);
        handedWhenRefused.push(handed.length);
        return Promise.reject(new Error('no answer'));
      };
      return member;
    });
    await transport.publish([message('a'), message('a')]);
    await kafka.subscribe((batch) => Promise.resolve(void handed.push(...batch.map(({ key }) => key))), {
      acknowledgeFirst: true,
    });
    await eventually(() => handed.length >= 2);
    making.mockRestore();
    expect(handedWhenRefused).toEqual([0, 0]);
    expect(handed).toEqual(['a', 'a']);
    expect(kafka.told('no answer')).toBe(true);
  });
});

/** A key that goes to that partition. */
function keyIn(partition: number): string {
  const choose = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array<PartitionMetadata>(PARTITIONS);
  for (let n = 0; ; n++) {
    if (choose({ topic: '', partitionMetadata, message: { key: `${n}`, value: null } }) === partition) return `${n}`;
  }
}
