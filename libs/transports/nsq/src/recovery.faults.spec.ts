import { describeBroker, eventually, member, numbered, Seen, sendAll, untilFollowed } from '@order-events/testing';
import { TestCluster } from '../test/cluster';

describeBroker('nsq', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.remove());

  test('of what nsqd has stored, kill -9 under load costs what was in flight at most; publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await cluster.declared();
    const subscription = await member(transport, seen.handle);
    const publisher = cluster.open();
    const rounds = 3;
    for (let round = 0; round < rounds; round++) {
      const sending = sendAll(publisher, round * 300, 300);
      await eventually(() => seen.distinct > round * 250 + 50);
      await cluster.broker.kill();
      await cluster.broker.start();
      await sending;
    }
    // Two nsqds with twenty messages each in our hands; one on its way from the topic to the channel.
    const most = rounds * 2 * (20 + 1);
    await eventually(() => seen.distinct >= 300 * rounds - most);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await subscription.close();
    await eventually(() => cluster.told(/closed the connection|ECONNRE/));
    const lost = 300 * rounds - seen.distinct;
    console.info(`after 3 kills: 900 sent, ${lost} lost, ${seen.total - seen.distinct} delivered again`);
    expect(lost).toBeLessThanOrEqual(most);
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

  test('an orderly restart under load loses nothing', async () => {
    const seen = new Seen();
    const transport = await cluster.declared();
    const subscription = await member(transport, seen.handle);
    const sending = sendAll(cluster.open(), 0, 400);
    await eventually(() => seen.distinct > 50);
    await cluster.broker.stop();
    await cluster.broker.start();
    await sending;
    await eventually(() => seen.distinct === 400);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
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

  test('a broker that is not there yet is waited for', async () => {
    await cluster.declared();
    await cluster.broker.kill();
    const transport = cluster.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.stringContaining('ECONNREFUSED') },
    ]);
    await expect(transport.ping()).rejects.toThrow();
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow();
    await expect(transport.backlog('g')).rejects.toThrow();
    await cluster.broker.start();
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('a broadcast goes on after a restart of the broker', async () => {
    const transport = await cluster.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await sendAll(transport, 0, 1);
    await eventually(() => seen.distinct === 1);
    await cluster.broker.kill();
    await cluster.broker.start();
    await untilFollowed(transport, seen);
    await subscription.close();
  });
});
