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
import { AckPolicy, nanos } from 'nats';
import { TestServer } from '../test/server';
import { ACK_WAIT_MS } from './topology';

describeBroker('nats', () => {
  let broker: PrivateBroker;
  let proxy: FaultProxy;
  let server: TestServer;

  beforeEach(async () => {
    broker = await privateBroker('nats');
    proxy = await FaultProxy.to(addressesIn(broker.env.NATS_URL!)[0]!);
    server = new TestServer(broker.env.NATS_URL!, 'test.');
  });
  afterEach(async () => {
    await proxy.heal();
    await server.endTest();
    await proxy.close();
    await broker.remove();
  });

  const throughProxy = () => server.open(`nats://127.0.0.1:${proxy.port}`);

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
    expect(server.told('connection to NATS was lost')).toBe(true);
    // The server forgets acknowledgements that it has answered when it is killed, and delivers those messages again.
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
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
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
    // It does not wait for the dead socket.
    await eventually(() => server.told('connection to NATS was lost'));
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
    // With room for all of them.
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
      { stored: false, problem: 'unavailable', detail: expect.stringMatching(/CONNECTION_REFUSED|lost/) },
    ]);
    await expect(transport.ping()).rejects.toThrow();
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow();
    await broker.start();
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('closes while the broker is gone and while nothing passes', async () => {
    const transport = await server.declared();
    await sendAll(transport, 0, 40);
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const [one, two] = [await member(throughProxy(), handle), await member(throughProxy(), handle)];
    await eventually(() => ends.length > 0);
    proxy.blackHole();
    const closing = Promise.all([one.close(), two.close()]);
    ends.forEach((end) => end());
    await closing;
    await server.closeTransports();
  });

  test('a handler that takes longer than the acknowledgement wait keeps its claim, over a cut too', async () => {
    const transport = await server.declared();
    const witness = await witnessOf(server);
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const handle = async (batch: readonly Message[]) => {
      await seen.handle(batch);
      await finished;
    };
    // With room for all of them, in each.
    const room = { inFlight: 100 };
    const [slow, idle] = [await member(throughProxy(), handle, room), await member(throughProxy(), handle, room)];
    // Some wait behind others, with the same key, for longer than that.
    await sendAll(transport, 0, 60);
    await eventually(() => seen.total > 0);
    await witness.deliveredAgain(1);
    proxy.cut();
    await witness.deliveredAgain(3);
    finish();
    await eventually(() => seen.distinct === 60);
    await Promise.all([slow.close(), idle.close()]);
    expect(seen.total).toBe(60);
    expect(await transport.backlog('g')).toBe(0);
    await witness.close();
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

  test('a broadcast goes on after a restart of the broker, and says that it was interrupted', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await untilFollowed(transport, seen);
    await broker.kill();
    await broker.start();
    await untilFollowed(transport, seen);
    expect(server.told('a broadcast was interrupted')).toBe(true);
    await subscription.close();
  });
});

/** A message that nobody acknowledges: how often it comes tells how often the acknowledgement wait has passed. */
async function witnessOf(server: TestServer) {
  const connection = await server.bystander();
  const jsm = await connection.jetstreamManager();
  await jsm.streams.add({ name: 'WITNESS', subjects: ['witness'] });
  const config = {
    durable_name: 'w',
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: 1,
  };
  await jsm.consumers.add('WITNESS', config);
  await connection.jetstream().publish('witness');
  let deliveries = 0;
  const consumer = await connection.jetstream().consumers.get('WITNESS', 'w');
  const messages = await consumer.consume({ callback: (msg) => (deliveries = msg.info.deliveryCount) });
  return {
    deliveredAgain: (times: number) => eventually(() => deliveries > times),
    close: () => messages.close(),
  };
}
