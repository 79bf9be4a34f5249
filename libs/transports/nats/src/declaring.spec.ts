import { describeBroker, eventually, member, numbered, Seen, sendAll } from '@order-events/testing';
import { DiscardPolicy, RetentionPolicy, StorageType } from 'nats';
import { TestServer } from '../test/server';

describeBroker('nats', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.shared();
  });
  afterEach(() => server.endTest());

  test('declaring by several at once, for different topics', async () => {
    const topics = ['a', 'b.c', 'd', 'e', 'f'];
    await Promise.all(topics.map((topic) => server.open().declare([{ topic, groups: ['g', `of.${topic}`] }])));
    const transport = server.open();
    // The last to write may have read before another wrote; what each declared is there when it is declared again.
    for (const topic of topics) await transport.declare([{ topic, groups: ['g', `of.${topic}`] }]);
    await transport.publish(topics.map((topic, n) => ({ ...numbered(n), topic })));
    expect(await transport.backlog('g')).toBe(5);
    for (const topic of topics) expect(await transport.backlog(`of.${topic}`)).toBe(1);
  });

  test('declaring keeps what groups hold, and takes no topic from them that a newer version gave them', async () => {
    const transport = await server.declared('things', 'newer');
    await transport.publish([numbered(0), { ...numbered(1), topic: 'newer' }]);
    await server.declared('things');
    await transport.publish([{ ...numbered(2), topic: 'newer' }]);
    expect(await transport.backlog('g')).toBe(3);
  });

  test.each([
    ['limits', { retention: RetentionPolicy.Limits }],
    ['memory', { retention: RetentionPolicy.Interest, storage: StorageType.Memory }],
    ['max_age', { retention: RetentionPolicy.Interest, discard: DiscardPolicy.New, max_age: 3_600_000_000_000 }],
  ])('declaring refuses a stream that would lose events: %s', async (word, config) => {
    const jsm = await server.jetstreamManager();
    await jsm.streams.add({ name: server.stream, subjects: [`${server.prefix}things`], ...config });
    await expect(server.declared()).rejects.toThrow(word);
  });

  test('declaring never lets the server give up on a message', async () => {
    await server.declared();
    const jsm = await server.jetstreamManager();
    const { config } = await jsm.consumers.info(server.stream, server.name('g'));
    expect(config).toMatchObject({ max_deliver: -1, ack_policy: 'explicit', ack_wait: 10_000_000_000 });
    expect(config.backoff).toBeUndefined();
  });

  test('a consumer that the server has deleted is missed aloud, and read again when it is declared', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    const jsm = await server.jetstreamManager();
    await jsm.consumers.delete(server.stream, server.name('g'));
    await eventually(() => server.told('Consumer Deleted'));
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 10, 10);
    await eventually(() => seen.distinct === 20);
    // The same with the whole stream.
    await jsm.streams.delete(server.stream);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 20, 10);
    await eventually(() => seen.distinct === 30);
    await subscription.close();
  });
});
