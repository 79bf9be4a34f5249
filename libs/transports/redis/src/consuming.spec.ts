import type { Message } from '@order-events/messaging';
import {
  describeBroker,
  eventually,
  member,
  numbered,
  privateBroker,
  range,
  Seen,
  sendAll,
} from '@order-events/testing';
import { TestServer } from '../test/server';
import { run, TRIM } from './scripts';

type Pending = [id: string, consumer: string, ageMs: number, deliveries: number];

describeBroker('redis', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.shared();
  });
  afterEach(() => server.endTest());

  const consumers = async () => (await server.say<unknown[]>('XINFO', 'CONSUMERS', server.stream, 'g')).length;
  const length = () => server.say<number>('XLEN', server.stream);

  test('what a member held that died is taken over, and its consumer is gone with the next that leaves', async () => {
    const transport = await server.declared();
    await sendAll(transport, 0, 5);
    await server.say('XREADGROUP', 'GROUP', 'g', 'dead', 'COUNT', '5', 'STREAMS', server.stream, '>');
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await eventually(() => seen.distinct === 5);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await subscription.close();
    expect(await consumers()).toBe(0);
  });

  test('a member that leaves keeps the consumer of another that has something in hand', async () => {
    const transport = await server.declared();
    await sendAll(transport, 0, 1);
    await server.say('XREADGROUP', 'GROUP', 'g', 'busy', 'COUNT', '1', 'STREAMS', server.stream, '>');
    await (await member(transport, new Seen().handle)).close();
    expect(await consumers()).toBe(1);
    expect(await transport.backlog('g')).toBe(1);
  });

  test('who acknowledges first is handed nothing that another has acknowledged meanwhile', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const handle = (batch: readonly Message[]) => seen.handle(batch).then(() => finished);
    const subscription = await member(transport, handle, { acknowledgeFirst: true });
    await transport.publish([numbered(0)]);
    await eventually(() => seen.total === 1);
    // It has the same key, and waits in hand for the first.
    await transport.publish([numbered(13)]);
    const inHand = () => server.say<Pending[]>('XPENDING', server.stream, 'g', '-', '+', '1');
    await eventually(async () => (await inHand()).length === 1);
    const [[id]] = (await inHand()) as [Pending];
    expect(await server.say('XACK', server.stream, 'g', id)).toBe(1);
    finish();
    await transport.publish([numbered(26)]);
    await eventually(() => seen.numbers.has(26));
    await subscription.close();
    expect([...seen.numbers]).toEqual([0, 26]);
  });

  test('takes no more of several topics than there is room for, and leaves none out', async () => {
    const transport = server.open();
    const topics = ['a', 'b', 'c', 'd', 'e'];
    await transport.declare(topics.map((topic) => ({ topic, groups: ['g'] })));
    const messages = range(0, 50).map((message, n) => ({ ...message, topic: topics[n % 5]!, key: `key-${n}` }));
    expect(await transport.publish(messages)).toEqual(messages.map(() => ({ stored: true })));
    const seen = new Seen();
    let [most, flying] = [0, 0];
    const handle = async (batch: readonly Message[]) => {
      most = Math.max(most, (flying += batch.length));
      await new Promise(setImmediate);
      flying -= batch.length;
      await seen.handle(batch);
    };
    const subscription = await member(transport, handle, { topics, inFlight: 3, batch: 3 });
    await eventually(() => seen.distinct === 50);
    await subscription.close();
    expect(most).toBeLessThanOrEqual(3);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('drops what every group has acknowledged, and nothing else', async () => {
    const transport = server.open();
    await transport.declare([{ topic: 'things', groups: ['g', 'h'] }]);
    // Enough for whole nodes of the stream, which are dropped one at a time.
    const count = 1_000;
    await sendAll(transport, 0, count);
    const trim = () => server.say<number>(...run(TRIM, [server.stream], ['-1000']));
    const drain = async (group: string, left: number) => {
      const seen = new Seen();
      const subscription = await member(transport, seen.handle, { group, inFlight: 1_000, batch: 500 });
      await eventually(() => seen.distinct >= left);
      await subscription.close();
    };
    await drain('g', count);
    await trim();
    expect(await length()).toBe(count);
    expect(await transport.backlog('h')).toBe(count);
    await server.say('XREADGROUP', 'GROUP', 'h', 'busy', 'COUNT', '300', 'STREAMS', server.stream, '>');
    await drain('h', count - 300);
    await trim();
    expect(await length()).toBe(count);
    expect(await transport.backlog('h')).toBe(300);
    // They are taken over.
    await drain('h', 300);
    await trim();
    expect(await length()).toBeLessThanOrEqual(100);
  });

  test('keeps what was acknowledged for a while, for those who follow', async () => {
    const transport = await server.declared();
    await sendAll(transport, 0, 500);
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await eventually(() => seen.distinct === 500);
    await subscription.close();
    await server.say(...run(TRIM, [server.stream], ['3600000']));
    expect(await length()).toBe(500);
  });

  test('tells the backlog after it has been told wrong by Redis, and more than it counts', async () => {
    const transport = await server.declared();
    await sendAll(transport, 0, 3);
    // As after a restart from the append-only file: how much was read is forgotten.
    const [last] = (await server.say<[string][]>('XRANGE', server.stream, '-', '+', 'COUNT', '2')).slice(-1);
    await server.say('XGROUP', 'SETID', server.stream, 'g', last![0], 'ENTRIESREAD', '0');
    expect(await transport.backlog('g')).toBe(1);
    for (let sent = 3; sent < 1_203; sent += 400) await transport.publish(range(sent, 400));
    // Over a thousand it is the length of the stream.
    expect(await transport.backlog('g')).toBe(1_203);
    await expect(transport.backlog('nobody')).rejects.toThrow('was not declared');
    await server.say('XGROUP', 'DESTROY', server.stream, 'g');
    await expect(transport.backlog('g')).rejects.toThrow('NOGROUP');
  });

  test('reads what others have added in their own way', async () => {
    const transport = await server.declared();
    const arrived: Message[] = [];
    const subscription = await member(transport, (batch) => Promise.resolve(void arrived.push(...batch)));
    await server.say('XADD', server.stream, '*', 'ce-partitionkey', 'k', 'other', 'x');
    await eventually(() => arrived.length === 1);
    await subscription.close();
    expect(arrived[0]).toEqual({
      topic: 'things',
      key: 'k',
      headers: { 'ce-partitionkey': 'k', other: 'x' },
      body: Buffer.alloc(0),
    });
  });

  test('what is too large is refused, alone', async () => {
    const transport = await server.declared();
    const batch = [numbered(0), numbered(1, Buffer.alloc(transport.capabilities.maxBytes + 1)), numbered(2)];
    const settlements = await transport.publish(batch);
    expect(settlements).toMatchObject([{ stored: true }, { stored: false, problem: 'refused' }, { stored: true }]);
    expect(await transport.backlog('g')).toBe(2);
  });

  test('setup says what the server may lose, and says nothing of one that is set up well', async () => {
    await server.declared();
    expect(server.errors).toEqual([]);
    const broker = await privateBroker('redis');
    const careless = new TestServer(broker.env.REDIS_URL!, '');
    await careless.say('CONFIG', 'SET', 'appendonly', 'no', 'maxmemory-policy', 'allkeys-lru');
    await careless.declared();
    expect(careless.told('appendonly is off')).toBe(true);
    expect(careless.told('maxmemory-policy is allkeys-lru')).toBe(true);
    await careless.endTest();
    await broker.remove();
  });

  test('a server that has forgotten a topic stores nothing and is missed aloud, until it is set up again', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await server.say('DEL', server.stream, `${server.prefix}group:g`);
    expect(await transport.publish([numbered(10)])).toEqual([
      { stored: false, problem: 'unavailable', detail: 'the topic things was not declared' },
    ]);
    await eventually(() => server.told('NOGROUP'));
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 10, 10);
    await eventually(() => seen.distinct === 20);
    await subscription.close();
  });
});
