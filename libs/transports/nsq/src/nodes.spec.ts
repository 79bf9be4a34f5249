import { describeBroker, eventually, member, Seen, sendAll } from '@order-events/testing';
import { TestCluster } from '../test/cluster';
import { Connection } from './connection';

describeBroker('nsq', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.remove());

  test('declares each group on every nsqd, and again without harm', async () => {
    const transport = await cluster.declared(['g', 'h']);
    await sendAll(transport, 0, 5);
    await cluster.declared(['g', 'h', 'i']);
    for (const number of [1, 2]) {
      const stats = JSON.parse(await cluster.request(number, '/stats?format=json&topic=test.things')) as {
        topics: { channels: { channel_name: string }[] }[];
      };
      const names = stats.topics[0]?.channels.map(({ channel_name }) => channel_name);
      expect(names).toEqual(['test.g', 'test.h', 'test.i']);
    }
    expect([await transport.backlog('g'), await transport.backlog('i')]).toEqual([5, 0]);
  });

  test('a nsqd that joins later has the channels of all groups before anybody reads them, and members find it', async () => {
    await cluster.broker.kill('nsqd-2');
    const transport = cluster.open('', cluster.lookup);
    await transport.declare([{ topic: 'things', groups: ['g', 'h'] }]);
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await cluster.broker.start('nsqd-2');
    const publisher = cluster.open(cluster.nsqd(2), '');
    await sendAll(publisher, 0, 10);
    expect(await transport.backlog('h')).toBe(10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('while nsqlookupd is gone, what it has told goes on, and its absence is told', async () => {
    const transport = cluster.open('', cluster.lookup);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await cluster.broker.kill('nsqlookupd');
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await eventually(() => cluster.told('gave no answer'));
    await subscription.close();
    await expect(cluster.open('', cluster.lookup).ping()).rejects.toThrow('no nsqd is known');
  });

  test('who acknowledges first gets nothing that nsqd has not let them finish, or has not answered for', async () => {
    const transport = await cluster.declared();
    const answer = jest.spyOn(Connection.prototype, 'refusedUntil');
    answer.mockImplementationOnce((id) => Promise.resolve(new Set([id])));
    answer.mockRejectedValueOnce(new Error('no answer'));
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { acknowledgeFirst: true });
    await sendAll(transport, 0, 1);
    await eventually(() => answer.mock.calls.length === 1);
    await sendAll(transport, 1, 1);
    await eventually(() => cluster.told('no answer'));
    await sendAll(transport, 2, 1);
    await eventually(() => seen.total > 0);
    await subscription.close();
    answer.mockRestore();
    expect([...seen.numbers]).toEqual([2]);
  });
});
