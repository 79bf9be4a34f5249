import { describeBroker, eventually, member, numbered, Seen, sendAll } from '@order-events/testing';
import { TestCluster } from '../test/cluster';
import type { NsqTransport } from './transport';

describeBroker('nsq', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.remove());

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const transport = await cluster.declared();
    const subscription = await member(cluster.throughProxy(), seen.handle);
    const publisher = cluster.throughProxy();
    for (let round = 0; round < 3; round++) {
      const sending = sendAll(publisher, round * 100, 100);
      await eventually(() => seen.distinct > round * 100 + 20);
      cluster.proxy.cut();
      await sending;
    }
    await eventually(() => seen.distinct === 300);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await subscription.close();
    console.info(`after 3 cuts: 300 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('in a black hole publishing ends as unavailable, also when the socket takes no more, and goes on after it', async () => {
    await cluster.declared();
    const transport = cluster.throughProxy();
    await sendAll(transport, 0, 1);
    cluster.proxy.blackHole();
    const large = Array.from({ length: 30 }, (_, n) => numbered(n, Buffer.alloc(700_000)));
    const settlements = await transport.publish(large);
    expect(settlements).toEqual(
      large.map(() => ({ stored: false, problem: 'unavailable', detail: expect.stringContaining('no answer') })),
    );
    await expect(transport.ping()).rejects.toThrow();
    await cluster.proxy.heal();
    await transport.ping();
    await sendAll(transport, 0, 10);
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
  });

  test('closes while busy and nothing passes, and leaves nothing open', async () => {
    const handles = () => process.getActiveResourcesInfo().filter((one) => /TCPSocket|Timeout/.test(one)).length;
    await cluster.declared();
    await sendAll(cluster.open(cluster.nsqd(1), ''), 0, 40);
    await cluster.closeTransports();
    const before = handles();
    const ends: (() => void)[] = [];
    const transport = cluster.throughProxy();
    const busy = await member(transport, () => new Promise<void>((resolve) => void ends.push(resolve)));
    await eventually(() => ends.length > 0);
    cluster.proxy.blackHole();
    const closing = busy.close();
    ends.forEach((end) => end());
    await closing;
    await transport.close();
    await cluster.proxy.heal();
    await eventually(() => cluster.proxy.open === 0);
    await eventually(() => handles() <= before);
  });
});
