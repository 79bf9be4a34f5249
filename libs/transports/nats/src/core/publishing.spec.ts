import { randomUUID } from 'node:crypto';
import type { Settlement } from '@order-events/messaging';
import { describeBroker, eventually, member, numbered, range, Seen } from '@order-events/testing';
import { CoreServer } from '../../test/core-server';
import { fakeServer } from '../../test/fake-server';

const stored = { stored: true };
const unavailable = (why: string): Settlement => ({
  stored: false,
  problem: 'unavailable',
  detail: expect.stringContaining(why) as string,
});
const info = { version: '2.10.0', max_payload: 1_048_576 };

describeBroker('nats', () => {
  let server: CoreServer;
  let time: jest.SpyInstance<number, []>;
  beforeEach(async () => {
    server = await CoreServer.shared();
    // How long something takes here is no matter of the machine's speed.
    time = jest.spyOn(performance, 'now').mockReturnValue(1_000_000);
  });
  afterEach(async () => {
    await server.endTest();
    time.mockRestore();
  });
  const pass = (ms: number) => time.mockReturnValue(performance.now() + ms);

  test('what a group has no room for waits with the publisher, but not for one that is stuck', async () => {
    const transport = server.open();
    const seen = new Seen();
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const handle = async (batch: Parameters<Seen['handle']>[0]) => {
      await gate;
      await seen.handle(batch);
    };
    const subscription = await member(transport, handle, { inFlight: 1, waitMs: 0 });
    for (let n = 0; n < 2_000; n += 500)
      expect(await transport.publish(range(n, 500))).toEqual(Array(500).fill(stored));
    expect(await transport.publish([numbered(2_000)])).toEqual([unavailable('no room with g')]);
    pass(5_001);
    expect(await transport.publish([numbered(2_001)])).toEqual([stored]);
    expect(await transport.backlog('g')).toBe(2_000);
    letGo();
    await eventually(() => seen.distinct === 2_000);
    expect(await transport.publish([numbered(2_002)])).toEqual([stored]);
    await eventually(() => seen.numbers.has(2_002));
    expect(seen.total).toBe(2_001);
    await subscription.close();
  });

  test('a group that was there a moment ago is waited for, and then not any more', async () => {
    const transport = server.open();
    const seen = new Seen();
    const first = await member(transport, seen.handle, { waitMs: 0 });
    expect(await transport.publish([numbered(0)])).toEqual([stored]);
    await eventually(() => seen.distinct === 1);
    await first.close();
    expect(await transport.publish([numbered(1)])).toEqual([unavailable('g was there a moment ago')]);
    const second = await member(server.open(), seen.handle, { waitMs: 0 });
    expect(await transport.publish([numbered(1)])).toEqual([stored]);
    await eventually(() => seen.distinct === 2);
    await second.close();
    pass(8_001);
    expect(await transport.publish([numbered(2)])).toEqual([stored]);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a member that is there and says nothing of a message has not got it, whatever a stream answers', async () => {
    const bystander = await server.bystander();
    const jsm = await bystander.jetstreamManager();
    await jsm.streams.add({ name: `OTHER-${randomUUID()}`, subjects: [`${server.prefix}things`] });
    const answer = { id: 'mute', topics: ['things'], held: 0, peers: [] };
    bystander.subscribe(server.members, { callback: (_, msg) => void msg.respond(JSON.stringify(answer)) });
    await bystander.flush();
    expect(await server.open().publish([numbered(0)])).toEqual([unavailable('no word of g')]);
  });

  test('a member that knows nothing of a topic is not waited for', async () => {
    const transport = server.open();
    await transport.declare([{ topic: 'new.things', groups: ['g'] }]);
    const seen = new Seen();
    const subscription = await member(server.open(), seen.handle, { waitMs: 0 });
    expect(await transport.publish([{ ...numbered(0), topic: 'new.things' }, numbered(1)])).toEqual([stored, stored]);
    await eventually(() => seen.distinct === 1);
    await subscription.close();
  });

  test('for a group in which everybody hangs nobody else stands still', async () => {
    const transport = server.open();
    await transport.declare([{ topic: 'things', groups: ['h'] }]);
    const seen = new Seen();
    const subscription = await member(server.open(), seen.handle, { group: 'h', waitMs: 0 });
    const hanging = await server.bystander();
    hanging.subscribe(server.members, { callback: () => undefined });
    await hanging.flush();
    expect(await transport.publish([numbered(0)])).toEqual([stored]);
    await eventually(() => seen.distinct === 1);
    await subscription.close();
  });

  test('what the server does not permit is told, and is not stored', async () => {
    const strict = await fakeServer(info, (said, socket) => {
      if (/HPUB \S*things /.test(said))
        socket.write(`-ERR 'Permissions Violation for Publish to "${server.prefix}things"'\r\n`);
    });
    expect(await server.open(strict.url).publish([numbered(0)])).toEqual([unavailable('does not permit publishing')]);
    expect(server.told(`does not permit publishing to ${server.prefix}things`)).toBe(true);
    await server.endTest();
    await strict.close();
  });

  test('a publish that hears of the end of the connection is not stored', async () => {
    const dying = await fakeServer(info, (said, socket) => {
      if (said.includes('HPUB')) socket.destroy();
    });
    expect(await server.open(dying.url).publish([numbered(0)])).toEqual([unavailable('connection to NATS was lost')]);
    await server.endTest();
    await dying.close();
  });

  test('what no server takes is refused, alone', async () => {
    const batch = [
      numbered(0),
      numbered(1, Buffer.alloc(1024 * 1024)),
      { ...numbered(2), headers: { 'Nats-Rollup': 'all' } },
      numbered(3),
    ];
    const settlements = await server.open().publish(batch);
    expect(settlements.map((settlement) => settlement.stored || settlement.problem)).toEqual([
      true,
      'refused',
      'refused',
      true,
    ]);
  });
});
