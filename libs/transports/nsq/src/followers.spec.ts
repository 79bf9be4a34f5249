import { describeBroker, eventually, member, Seen, sendAll } from '@order-events/testing';
import { TestCluster } from '../test/cluster';

describeBroker('nsq', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.remove());

  const channels = async (number: number) => {
    const { topics } = JSON.parse(await cluster.request(number, '/stats?format=json&topic=test.things')) as {
      topics: { channels: { channel_name: string; client_count: number }[] }[];
    };
    return topics.flatMap((topic) => topic.channels);
  };

  test('what a follower has left that was killed, the next one clears away, and leaves nothing itself', async () => {
    const transport = await cluster.declared(['g']);
    for (const number of [1, 2])
      await cluster.request(number, '/channel/create?topic=test.things&channel=test.follower.killed', 'POST');
    const [seen, other] = [new Seen(), new Seen()];
    const lives = await member(transport, other.handle, { group: null });
    const follower = await member(transport, seen.handle, { group: null });
    for (const number of [1, 2]) {
      const found = await channels(number);
      expect(found.map(({ channel_name }) => channel_name)).not.toContain('test.follower.killed');
      expect(found.filter(({ client_count }) => client_count === 1)).toHaveLength(2);
    }
    await sendAll(transport, 0, 5);
    await eventually(() => seen.distinct === 5 && other.distinct === 5);
    await follower.close();
    await lives.close();
    for (const number of [1, 2]) expect((await channels(number)).map((one) => one.channel_name)).toEqual(['test.g']);
    expect(cluster.errors).toEqual([]);
  });
});
