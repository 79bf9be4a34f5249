import { randomUUID } from 'node:crypto';
import type { Message } from '@order-events/messaging';
import { addressesIn, describeBroker, eventually, FaultProxy, numbered, range } from '@order-events/testing';
import { drained, TestServer } from '../test/server';

describeBroker('nats', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.shared();
  });
  afterEach(() => server.endTest());

  test('an id is stored once, again with another number of the resend, and on another topic', async () => {
    const transport = await server.declared('things', 'others');
    const one = numbered(0);
    const resent = { ...one, headers: { ...one.headers, 'ce-resend': '1' } };
    const other = { ...one, topic: 'others' };
    expect(await transport.publish([one, one, resent, other, one])).toEqual(Array(5).fill({ stored: true }));
    expect(await transport.backlog('g')).toBe(3);
  });

  test('a publish whose answer got lost is stored once when it is tried again', async () => {
    const transport = await server.declared();
    const proxy = await FaultProxy.to(addressesIn(server.url)[0]!);
    const cutOff = server.open(`nats://127.0.0.1:${proxy.port}`);
    await cutOff.ping();
    proxy.blackHole();
    const one = numbered(0);
    expect(await cutOff.publish([one])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
    // What was lost arrives late.
    await proxy.heal();
    await eventually(async () => (await transport.backlog('g')) === 1);
    expect(await cutOff.publish([one])).toEqual([{ stored: true }]);
    expect(await transport.backlog('g')).toBe(1);
    await proxy.close();
  });

  test('a topic that nobody declared is not stored, and is once it is declared', async () => {
    const transport = server.open();
    const one = numbered(0);
    expect(await transport.publish([one])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
    await server.declared();
    expect(await transport.publish([one])).toEqual([{ stored: true }]);
  });

  test('the proof of another stream is none', async () => {
    const jsm = await server.jetstreamManager();
    await jsm.streams.add({ name: `OTHER-${randomUUID()}`, subjects: [`${server.prefix}things`] });
    expect(await server.open().publish([numbered(0)])).toMatchObject([
      { stored: false, problem: 'unavailable', detail: expect.stringContaining('expected stream') },
    ]);
  });

  test('what no server takes is refused, alone', async () => {
    const transport = await server.declared();
    const unfit = [
      numbered(1, Buffer.alloc(1024 * 1024)),
      { ...numbered(2), topic: 'things 0\r\n\r\nPUB things' },
      { ...numbered(3), topic: 'things.*' },
      { ...numbered(4), topic: '' },
      withHeaders({ 'Nats-Rollup': 'all' }),
      withHeaders({ 'not a name': 'x' }),
      withHeaders({ 'content-type': 'x\r\nNats-Rollup: all' }),
    ];
    const settlements = await transport.publish([numbered(0), ...unfit, numbered(5)]);
    expect(settlements.map((settlement) => settlement.stored || settlement.problem)).toEqual([
      true,
      ...unfit.map(() => 'refused'),
      true,
    ]);
    expect(await transport.backlog('g')).toBe(2);
    expect(server.errors).toEqual([]);
  });

  test('the largest message that it promises to take', async () => {
    const transport = await server.declared();
    const headers = { 'ce-id': randomUUID(), 'content-type': 'application/json' };
    const body = Buffer.alloc(transport.capabilities.maxBytes - JSON.stringify(headers).length);
    expect(await transport.publish([{ topic: 'things', key: randomUUID(), headers, body }])).toEqual([
      { stored: true },
    ]);
  });

  test('a full stream drops nothing that waits, and takes more when there is room again', async () => {
    const transport = await server.declared();
    const jsm = await server.jetstreamManager();
    await jsm.streams.update(server.stream, { max_msgs: 3 });
    const batch = range(0, 5);
    const settlements = await transport.publish(batch);
    expect(settlements.filter(({ stored }) => stored)).toHaveLength(3);
    expect(settlements.filter(({ stored }) => !stored)).toMatchObject(Array(2).fill({ problem: 'unavailable' }));
    await drained(transport, 3);
    const left = batch.filter((_, index) => !settlements[index]!.stored);
    expect(await transport.publish(left)).toEqual(left.map(() => ({ stored: true })));
  });
});

const withHeaders = (more: Record<string, string>): Message => {
  const message = numbered(0);
  return { ...message, headers: { ...message.headers, ...more } };
};
