import type { Message } from '@order-events/messaging';
import { describeBroker, eventually, Seen, sendAll, untilFollowed } from '@order-events/testing';
import { TestKafka } from '../test/kafka';
import { message } from '../test/message';

describeBroker('kafka', () => {
  let kafka: TestKafka;
  beforeEach(async () => {
    kafka = await TestKafka.shared();
  });
  afterEach(() => kafka.close());

  test('a group that is declared later gets what comes from then on, and one that is there keeps what it holds', async () => {
    const transport = await kafka.declared();
    await transport.publish([message('early')]);
    const both = [{ topic: 'things', groups: ['g', 'late'] }];
    await Promise.all([kafka.open().declare(both), kafka.open().declare(both)]);
    await transport.publish([message('now')]);
    await kafka.open().declare(both);
    expect([await transport.backlog('g'), await transport.backlog('late')]).toEqual([2, 1]);
    const seen: string[] = [];
    await kafka.subscribe(async (batch) => void seen.push(...batch.map(({ key }) => key)), { group: 'late' });
    await eventually(() => seen.length > 0);
    expect(seen).toEqual(['now']);
  });

  test('a group whose members are at work can be given another topic', async () => {
    const transport = await kafka.declared();
    const seen: string[] = [];
    const handle = async (batch: readonly Message[]) => void seen.push(...batch.map(({ key }) => key));
    await kafka.subscribe(handle);
    await transport.publish([message('1')]);
    await eventually(() => seen.includes('1'));
    await transport.declare([{ topic: 'more', groups: [] }]);
    await transport.publish([message('old', { topic: 'more' })]);
    await kafka.declared('things', 'more');
    await transport.publish([message('new', { topic: 'more' }), message('2')]);
    await eventually(() => seen.includes('2'));
    // It is acknowledged after it was handled.
    await eventually(async () => (await transport.backlog('g')) < 2);
    expect(await transport.backlog('g')).toBe(1);
    await kafka.subscribe(handle, { topics: ['things', 'more'] });
    await eventually(() => seen.includes('new'));
    expect(seen).not.toContain('old');
  });

  test('a topic that is not there yet is waited for', async () => {
    const seen = new Seen();
    await kafka.subscribe(seen.handle);
    const follower = new Seen();
    await kafka.subscribe(follower.handle, { group: null });
    await eventually(() => kafka.told('does not host this topic-partition'));
    const transport = await kafka.declared();
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await untilFollowed(transport, follower);
  });
});
