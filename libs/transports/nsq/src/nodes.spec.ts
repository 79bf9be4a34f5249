import { describeBroker, eventually, member, numbered, Seen, sendAll } from '@order-events/testing';
import { TestCluster } from '../test/cluster';
import { Connection } from './connection';
import type { NsqTransport } from './transport';

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

  test('kill -9 costs nothing of what has reached its channel and is in nobody’s hands', async () => {
    const transport = await cluster.declared(['g', 'h']);
    await sendAll(transport, 0, 50);
    for (const group of ['g', 'h']) expect(await transport.backlog(group)).toBe(50);
    await cluster.broker.kill();
    await cluster.broker.start();
    for (const group of ['g', 'h']) {
      const seen = new Seen();
      const subscription = await member(transport, seen.handle, { group });
      await eventually(() => seen.distinct === 50);
      await subscription.close();
      expect(await transport.backlog(group)).toBe(0);
    }
  });

  test('one nsqd of two that is gone stops nobody, and what it holds comes with it', async () => {
    const seen = new Seen();
    const transport = await cluster.declared();
    await sendAll(cluster.open(cluster.nsqd(1), ''), 0, 20);
    await cluster.broker.kill('nsqd-1');
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 20, 50);
    await eventually(() => seen.distinct === 50);
    await cluster.broker.start('nsqd-1');
    await eventually(() => seen.distinct === 70);
    await subscription.close();
  });

  test('from a nsqd in a black hole the publisher moves on to the next', async () => {
    await cluster.declared();
    let transport: NsqTransport;
    // Where it begins is left to chance.
    do {
      transport = cluster.open(`127.0.0.1:${cluster.proxy.port},${cluster.nsqd(2)}`, '');
      await sendAll(transport, 0, 1);
    } while (cluster.proxy.open === 0);
    cluster.proxy.blackHole();
    expect(await transport.publish([numbered(1)])).toEqual([{ stored: true }]);
    const before = performance.now();
    await sendAll(transport, 2, 10);
    expect(performance.now() - before).toBeLessThan(10_000);
    // Nothing was said of what has only been sent to the one that answers nothing.
    const seen = new Seen();
    await member(cluster.open(), seen.handle);
    await eventually(() => seen.distinct === 12);
  });
});
