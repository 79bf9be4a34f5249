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
import { CoreServer } from '../../test/core-server';

describeBroker('nats', () => {
  let broker: PrivateBroker;
  let proxy: FaultProxy;
  let server: CoreServer;

  beforeEach(async () => {
    broker = await privateBroker('nats', { coreOnly: true });
    proxy = await FaultProxy.to(addressesIn(broker.env.NATS_URL!)[0]!);
    server = CoreServer.of(broker);
  });
  afterEach(async () => {
    await proxy.heal();
    await server.endTest();
    await proxy.close();
    await broker.remove();
  });

  const throughProxy = () => server.open(`nats://127.0.0.1:${proxy.port}`);

  test('a server that is killed under load loses nothing of what members have said that they have', async () => {
    const seen = new Seen();
    const transport = server.open();
    const subscriptions = await Promise.all([member(transport, seen.handle), member(server.open(), seen.handle)]);
    const publisher = server.open();
    for (let round = 0; round < 3; round++) {
      const progress = { stored: 0 };
      const sending = sendAll(publisher, round * 400, 400, progress);
      await eventually(() => progress.stored >= 60);
      await broker.kill();
      await broker.start();
      await sending;
    }
    await eventually(() => seen.distinct === 1200);
    expect(seen.unknown(1200)).toEqual([]);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    console.info(`after 3 kills: 1200 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const subscription = await member(throughProxy(), seen.handle);
    const publisher = throughProxy();
    for (let round = 0; round < 5; round++) {
      const progress = { stored: 0 };
      const sending = sendAll(publisher, round * 200, 200, progress);
      await eventually(() => progress.stored >= 40 && seen.distinct > round * 200);
      proxy.cut();
      await sending;
    }
    await eventually(() => seen.distinct === 1000);
    await subscription.close();
    console.info(`after 5 cuts: 1000 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('in a black hole publishing ends as unavailable, and goes on after it', async () => {
    const transport = throughProxy();
    await transport.ping();
    proxy.blackHole();
    expect(await transport.publish([numbered(0)])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
    await eventually(() => server.told('connection to NATS was lost'));
    await expect(transport.ping()).rejects.toThrow();
    await proxy.heal();
    await sendAll(transport, 0, 10);
  });

  test('a broker that is not there yet is waited for', async () => {
    await broker.kill();
    const transport = server.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    expect(await transport.publish([numbered(0)])).toMatchObject([{ stored: false, problem: 'unavailable' }]);
    await expect(transport.declare([])).rejects.toThrow();
    await expect(transport.backlog('g')).rejects.toThrow();
    await expect(transport.isConsumed('g')).rejects.toThrow();
    await broker.start();
    await eventually(() => transport.isConsumed('g').catch(() => false));
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('closes while the broker is gone and while nothing passes', async () => {
    const transport = throughProxy();
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const subscription = await member(transport, handle);
    await sendAll(server.open(), 0, 40);
    await eventually(() => ends.length > 0);
    proxy.blackHole();
    const closing = subscription.close();
    ends.forEach((end) => end());
    await closing;
    await server.endTest();
  });

  test('a broadcast goes on after a restart of the broker', async () => {
    const transport = server.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await untilFollowed(transport, seen);
    await broker.kill();
    await broker.start();
    await untilFollowed(transport, seen);
    await subscription.close();
  });
});
