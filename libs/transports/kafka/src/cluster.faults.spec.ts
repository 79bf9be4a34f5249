import type { Message, Settlement } from '@order-events/messaging';
import {
  describeBroker,
  eventually,
  member,
  privateBroker,
  range,
  Seen,
  sendAll,
  type PrivateBroker,
} from '@order-events/testing';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  describe('three brokers, of which two must have a record', () => {
    let cluster: PrivateBroker;
    let transport: KafkaTransport;
    let admin: Admin;
    const errors: string[] = [];
    const seen = new Seen();

    beforeAll(async () => {
      cluster = await privateBroker('kafka', { brokers: 3 });
      transport = open();
      admin = new Kafka({ brokers: cluster.env.KAFKA_BROKERS!.split(','), logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await transport.declare(['a', 'b'].map((topic) => ({ topic, groups: ['g'] })));
    });
    afterAll(async () => {
      await transport.close();
      await admin.disconnect();
      await cluster.remove();
    });

    const open = () =>
      new SpreadingTransport({
        brokers: cluster.env.KAFKA_BROKERS!,
        applicationName: 'test',
        prefix: '',
        onError: ({ message }) => errors.push(message),
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
      const other = open();
      await other.declare([{ topic: 'poor', groups: [] }]);
      await other.close();
      expect(errors.filter((message) => message.includes('can get lost'))).toHaveLength(1);
      // Without its one broker it has no leader; then the client lets nobody in, whatever topic they want.
      await admin.deleteTopics({ topics: ['poor'] });
    });

    test('one that is killed under load loses nothing and stops nobody, without a second one nothing is stored', async () => {
      const subscription = await member(transport, seen.handle, {
        topics: ['a', 'b'],
        batch: 50,
        inFlight: 200,
        parallel: 4,
      });
      for (const part of ['kafka-1', 'kafka-2', 'kafka-3']) {
        const count = seen.distinct;
        const sending = sendAll(transport, count, 300);
        await eventually(() => seen.distinct > count + 20);
        await cluster.kill(part);
        await sending;
        await eventually(() => seen.distinct === count + 300);
        await cluster.start(part);
        await eventually(isWhole);
      }
      await cluster.kill('kafka-1');
      await cluster.kill('kafka-2');
      // The last one may be the leader of some for a moment, but nothing of it is proved.
      const batch = range(1_000_000, 40);
      const problems = async () => (await transport.publish(batch)).map((one) => !one.stored && one.problem);
      expect(new Set(await problems())).toEqual(new Set(['unavailable']));
      await cluster.start();
      const count = 900;
      await sendAll(transport, count, 100);
      await eventually(() => seen.lost(1000).length === 0);
      await subscription.close();
      await eventually(async () => (await transport.backlog('g')) === 0);
    });
  });
});

/** Spreads what is published over two topics and the partitions of both. */
class SpreadingTransport extends KafkaTransport {
  override publish(batch: readonly Message[]): Promise<Settlement[]> {
    const spread = (message: Message) => {
      const n = Number(message.headers['number']);
      return { ...message, topic: n % 2 ? 'a' : 'b', key: `key-${n % 50}` };
    };
    return super.publish(batch.map(spread));
  }
}
