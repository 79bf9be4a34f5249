import { randomUUID } from 'node:crypto';
import type { Message, Settlement, Transport } from '@order-events/messaging';
import {
  describeBroker,
  eventually,
  privateBroker,
  transportConformance,
  type PrivateBroker,
} from '@order-events/testing';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  transportConformance('KafkaTransport with TLS and a password', async () => {
    const broker = await privateBroker('kafka', { secure: true });
    const { user, password, certificate } = broker.security!;
    return {
      connect: () =>
        new KafkaTransport({
          brokers: broker.env.KAFKA_BROKERS!,
          tls: { caFile: certificate },
          sasl: { mechanism: 'plain', username: user, password },
          applicationName: 'test',
          prefix: 'test.',
          onError: () => {},
        }),
      close: () => broker.remove(),
    };
  });

  describe('three brokers, of which two must have a record', () => {
    let cluster: PrivateBroker;
    let transport: KafkaTransport;
    let admin: Admin;
    const errors: string[] = [];
    const seen = new Set<number>();
    const handle = async (batch: readonly Message[]) => {
      for (const { headers } of batch) seen.add(Number(headers['number']));
    };

    beforeAll(async () => {
      cluster = await privateBroker('kafka', { brokers: 3 });
      transport = new KafkaTransport({
        brokers: cluster.env.KAFKA_BROKERS!,
        applicationName: 'test',
        prefix: '',
        onError: ({ message }) => errors.push(message),
      });
      admin = new Kafka({ brokers: cluster.env.KAFKA_BROKERS!.split(','), logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await transport.declare(['a', 'b'].map((topic) => ({ topic, groups: ['g'] })));
    });
    afterAll(async () => {
      await transport.close();
      await admin.disconnect();
      await cluster.remove();
    });

    const subscribe = () =>
      transport.subscribe({
        group: 'g',
        topics: ['a', 'b'],
        batch: 50,
        waitMs: 2,
        inFlight: 200,
        parallel: 4,
        handle,
      });

    /** Every partition is on every broker again: before that, the next to go may be the last that has it all. */
    const isWhole = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['a', 'b', '__consumer_offsets'] });
      return topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === 3));
    };

    test('topics are made with three replicas, and one that has fewer is complained of', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['a'] });
      expect(topics[0]!.partitions.map(({ replicas }) => replicas.length)).toEqual(Array(12).fill(3));
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: 'a', configNames: ['min.insync.replicas', 'retention.ms'] }],
      });
      const settings = resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]);
      expect(Object.fromEntries(settings)).toEqual({ 'min.insync.replicas': '2', 'retention.ms': '604800000' });
      expect(errors.filter((message) => message.includes('can get lost'))).toEqual([]);
      await admin.createTopics({ topics: [{ topic: 'poor', numPartitions: 1, replicationFactor: 1 }] });
      await transport.declare([{ topic: 'poor', groups: [] }]);
      expect(errors.filter((message) => message.includes('can get lost'))).toHaveLength(1);
    });

    test('one that is killed under load loses nothing and stops nobody, without a second one nothing is stored', async () => {
      const subscription = await subscribe();
      for (const part of ['kafka-1', 'kafka-2', 'kafka-3']) {
        const count = seen.size;
        const sending = sendAll(transport, count, 300);
        await until(() => seen.size > count + 20);
        await cluster.kill(part);
        await sending;
        await until(() => seen.size === count + 300);
        await cluster.start(part);
        await eventually(isWhole);
      }
      await cluster.kill('kafka-1');
      await cluster.kill('kafka-2');
      // The last one may be the leader of some for a moment, but nothing of it is proved.
      const batch = Array.from({ length: 40 }, (_, n) => numbered(1_000_000 + n));
      const problems = async () => (await transport.publish(batch)).map((one) => !one.stored && one.problem);
      expect(new Set(await problems())).toEqual(new Set(['unavailable']));
      await cluster.start();
      const count = 900;
      await sendAll(transport, count, 100);
      await until(() => [...seen].filter((n) => n < 1_000_000).length === 1000);
      await subscription.close();
      await eventually(async () => (await transport.backlog('g')) === 0);
    });
  });
});

const numbered = (n: number): Message => ({
  topic: n % 2 ? 'a' : 'b',
  key: `key-${n % 50}`,
  headers: { 'ce-id': randomUUID(), number: String(n) },
  body: Buffer.from('{}'),
});

/** As the relay does: until each has been proved to be stored, the same message each time. */
async function sendAll(transport: Transport, from: number, count: number): Promise<void> {
  let open = Array.from({ length: count }, (_, n) => numbered(from + n));
  while (open.length > 0) {
    const batch = open.slice(0, 20);
    const settlements: Settlement[] = await transport.publish(batch);
    open = [...batch.filter((_, index) => !settlements[index]!.stored), ...open.slice(20)];
  }
}

/** Leaves the processor to others in between. */
const until = (condition: () => boolean | Promise<boolean>) =>
  eventually(async () => (await condition()) || (await new Promise((resolve) => setTimeout(resolve, 20, false))));
