import { randomUUID } from 'node:crypto';
import { describeBroker, eventually } from '@order-events/testing';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { TestKafka } from '../test/kafka';
import { message } from '../test/message';

describeBroker('kafka', () => {
  let kafka: TestKafka;
  beforeEach(async () => {
    kafka = await TestKafka.shared();
  });
  afterEach(() => kafka.close());

  test('what is too large or has no possible topic is refused alone', async () => {
    const transport = await kafka.declared();
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

  test.each([
    ['gzip', undefined],
    ['snappy', 'snappy'],
  ] as const)('what a broker takes less of is refused alone, too, unless %s makes it small', async (_, packing) => {
    await kafka.declared();
    const transport = kafka.open(kafka.brokers, packing);
    const admin = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: `${kafka.prefix}things`, configEntries }],
    });
    await admin.disconnect();
    const incompressible = Buffer.from(Array.from({ length: 30_000 }, () => Math.random() * 256));
    const compressible = Buffer.alloc(30_000);
    const batch = [undefined, incompressible, compressible].map((body) => message('a', body && { body }));
    const settled = async () => (await transport.publish(batch)).map((one) => ('problem' in one ? one.problem : ''));
    // It takes a moment until the broker keeps to it.
    await eventually(async () => (await settled()).join() === ',refused,');
  });

  test('messages that are too many for one request are sent in several', async () => {
    const transport = await kafka.declared();
    const batch = Array.from({ length: 12 }, () => message('one', { body: Buffer.alloc(300_000, randomUUID()) }));
    expect(await transport.publish(batch)).toEqual(batch.map(() => ({ stored: true })));
    expect(await transport.backlog('g')).toBe(12);
  });

  test('many callers at once are answered each for its own', async () => {
    const transport = await kafka.declared();
    const batches = Array.from({ length: 20 }, (_, n) => [message(`${n}`), message('x'), message(`${n}`)]);
    const settlements = await Promise.all(batches.map((batch) => transport.publish(batch)));
    expect(settlements).toEqual(batches.map((batch) => batch.map(() => ({ stored: true }))));
    expect(await transport.backlog('g')).toBe(60);
  });

  test('a success that the client reports for fewer partitions than were sent is none', async () => {
    const transport = await kafka.declared();
    await transport.publish([message('a')]);
    const { producer } = (transport as unknown as { publisher: { session: { producer: Producer } } }).publisher.session;
    const sendBatch = producer.sendBatch.bind(producer);
    producer.sendBatch = async (batch) => (await sendBatch(batch)).slice(1);
    const batch = Array.from({ length: 40 }, (_, n) => message(`${n}`));
    const unproved = await transport.publish(batch);
    expect(unproved).toEqual(batch.map(() => expect.objectContaining({ stored: false, problem: 'unavailable' })));
  });

  test('a topic keeps the order of a key', async () => {
    const transport = await kafka.declared();
    const sent = Array.from({ length: 300 }, (_, n) => message(`${n % 7}`, { body: Buffer.from(`${n}`) }));
    for (let n = 0; n < sent.length; n += 25) await transport.publish(sent.slice(n, n + 25));
    const got: number[] = [];
    let rejections = 4;
    await kafka.subscribe(async (batch) => {
      if (Math.random() < 0.3 && rejections-- > 0) throw new Error('not now');
      got.push(...batch.map(({ body }) => Number(Buffer.from(body).toString())));
    });
    await eventually(() => got.length >= 300);
    expect(got.length).toBe(300);
    for (let key = 0; key < 7; key++) {
      const ofKey = got.filter((n) => n % 7 === key);
      expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
    }
  });
});
