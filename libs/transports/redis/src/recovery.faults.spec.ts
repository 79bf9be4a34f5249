import type { Message } from '@order-events/messaging';
import {
  addressesIn,
  describeBroker,
  eventually,
  FaultProxy,
  member,
  numbered,
  privateBroker,
  Seen,
  sendAll,
  untilFollowed,
  type PrivateBroker,
} from '@order-events/testing';
import { TestServer } from '../test/server';

describeBroker('redis', () => {
  let broker: PrivateBroker;
  let proxy: FaultProxy;
  let server: TestServer;

  beforeEach(async () => {
    broker = await privateBroker('redis');
    proxy = await FaultProxy.to(addressesIn(broker.env.REDIS_URL!)[0]!);
    server = new TestServer(broker.env.REDIS_URL!, 'test.');
  });
  afterEach(async () => {
    await proxy.heal();
    await server.endTest();
    await proxy.close();
    await broker.remove();
  });

  const throughProxy = () => server.open(`redis://127.0.0.1:${proxy.port}`);

  test('a broker that is killed under load loses nothing of what it has stored, and publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await server.declared();
    const subscriptions = await Promise.all([member(transport, seen.handle), member(server.open(), seen.handle)]);
    for (let round = 0; round < 3; round++) {
      const progress = { stored: 0 };
      const sending = sendAll(server.open(), round * 400, 400, progress);
      await eventually(() => progress.stored >= 60);
      await broker.kill();
      await broker.start();
      await sending;
    }
    await eventually(() => seen.distinct === 1200);
    expect(seen.unknown(1200)).toEqual([]);
    expect(server.told('connection to Redis was lost')).toBe(true);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    console.info(`after 3 kills: 1200 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const transport = await server.declared();
    const subscription = await member(throughProxy(), seen.handle);
    for (let round = 0; round < 5; round++) {
      const progress = { stored: 0 };
      const sending = sendAll(throughProxy(), round * 200, 200, progress);
      await eventually(() => progress.stored >= 40 && seen.distinct > round * 200);
      proxy.cut();
      await sending;
    }
    await eventually(() => seen.distinct === 1000);
    // An answer that got lost had messages in it, which come again after a while.
    await eventually(async () => (await transport.backlog('g')) === 0);
    await subscription.close();
    console.info(`after 5 cuts: 1000 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('in a black hole publishing ends as unavailable, also when the socket takes no more, and goes on after it', async () => {
    await server.declared();
    const transport = throughProxy();
    await transport.ping();
    proxy.blackHole();
    const large = Array.from({ length: 30 }, (_, n) => numbered(n, Buffer.alloc(900_000)));
    const settlements = await transport.publish(large);
    expect(settlements).toEqual(large.map(() => expect.objectContaining({ stored: false, problem: 'unavailable' })));
    expect(server.told('connection to Redis was lost')).toBe(true);
    await expect(transport.ping()).rejects.toThrow();
    await proxy.heal();
    await sendAll(transport, 0, 10);
  });

  test('a member in a black hole loses its claims to another, and comes back', async () => {
    const transport = await server.declared();
    const [there, cutOff] = [new Seen(), new Seen()];
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const hang = async (batch: readonly Message[]) => {
      await cutOff.handle(batch);
      await released;
    };
    const lost = await member(throughProxy(), hang, { inFlight: 100 });
    await sendAll(transport, 0, 50);
    await eventually(() => cutOff.distinct > 0);
    proxy.blackHole();
    const other = await member(transport, there.handle);
    await eventually(() => there.distinct === 50);
    await proxy.heal();
    release();
    await other.close();
    await sendAll(transport, 50, 50);
    await eventually(() => new Set([...cutOff.numbers].filter((n) => n >= 50)).size === 50);
    await lost.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a broker that is not there yet is waited for', async () => {
    await server.declared();
    await broker.kill();
    const transport = server.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.stringContaining('ECONNREFUSED') },
    ]);
    await expect(transport.ping()).rejects.toThrow();
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow();
    await broker.start();
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('closes while nothing passes', async () => {
    const transport = await server.declared();
    await sendAll(transport, 0, 40);
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const subscription = await member(throughProxy(), handle);
    await eventually(() => ends.length > 0);
    proxy.blackHole();
    const closing = subscription.close();
    ends.forEach((end) => end());
    await closing;
  });

  test('a server that has forgotten everything stores nothing and is missed aloud, until it is set up again', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await server.say('FLUSHALL');
    expect(await transport.publish([numbered(10)])).toEqual([
      { stored: false, problem: 'unavailable', detail: 'the topic things was not declared' },
    ]);
    await eventually(() => server.told('NOGROUP'));
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 10, 10);
    await eventually(() => seen.distinct === 20);
    await subscription.close();
  });

  test('a broadcast goes on after a restart of the broker', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await untilFollowed(transport, seen);
    await broker.kill();
    await broker.start();
    await untilFollowed(transport, seen);
    await subscription.close();
  });
});
