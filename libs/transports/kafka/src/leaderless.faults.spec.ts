import { describeBroker, eventually, numbered, privateBroker, type PrivateBroker } from '@order-events/testing';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  let cluster: PrivateBroker;
  beforeAll(async () => {
    cluster = await privateBroker('kafka', { brokers: 3 });
  });
  afterAll(() => cluster.remove());

  const open = () =>
    new KafkaTransport({
      brokers: cluster.env.KAFKA_BROKERS!,
      applicationName: 'test',
      prefix: '',
      onError: () => undefined,
    });

  test('a topic of somebody else that has no leader stops nobody', async () => {
    const first = open();
    await first.declare([{ topic: 'things', groups: ['g'] }]);
    await first.close();
    const admin = new Kafka({ brokers: cluster.env.KAFKA_BROKERS!.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const replicaAssignment = [{ partition: 0, replicas: [1] }];
    await admin.createTopics({ topics: [{ topic: 'alien', replicaAssignment }] });
    await cluster.kill('kafka-1');
    // Only the topic of somebody else is without a leader: ours have found one among the other two.
    const leaderless = (topic: string) =>
      admin.fetchTopicMetadata({ topics: [topic] }).then(
        ({ topics }) => topics[0]!.partitions.some(({ leader }) => leader < 0),
        () => true,
      );
    await eventually(() => leaderless('alien'));
    await admin.disconnect();
    const transport = open();
    expect(await transport.publish([numbered(0), numbered(1), numbered(2)])).toEqual(Array(3).fill({ stored: true }));
    await transport.ping();
    expect(await transport.backlog('g')).toBe(3);
    await transport.close();
  });
});
