import { describeBroker, member, numbered } from '@order-events/testing';
import { TestCluster } from '../test/cluster';

describeBroker('nsq', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.remove());

  test('refuses what no nsqd takes, stores what stands beside it, and does not reject for anything', async () => {
    const transport = await cluster.declared();
    const fits = numbered(1);
    const settlements = await transport.publish([
      fits,
      numbered(2, Buffer.alloc(1024 * 1024)),
      { ...fits, topic: 'no topic' },
      { ...fits, topic: 'x'.repeat(65) },
      fits,
    ]);
    const refused = (detail: string) => ({
      stored: false,
      problem: 'refused',
      detail: expect.stringContaining(detail),
    });
    const name = refused('is not a name that NSQ takes');
    expect(settlements).toEqual([{ stored: true }, refused('bytes, and NSQ takes'), name, name, { stored: true }]);
    expect(await transport.publish([])).toEqual([]);
    await expect(transport.declare([{ topic: 'no topic', groups: ['g'] }])).rejects.toThrow('NSQ takes');
    await expect(member(transport, () => Promise.resolve(), { group: 'no group' })).rejects.toThrow('NSQ takes');
  });
});
