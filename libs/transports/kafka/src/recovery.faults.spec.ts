import type { Message } from '@order-events/messaging';
import {
  describeBroker,
  eventually,
  member,
  numbered,
  Seen,
  sendAll,
  untilFollowed,
  type BrokerInstance,
  type FaultProxy,
} from '@order-events/testing';
import { TestKafka } from '../test/kafka';
import { ProxiedBroker } from '../test/proxied-broker';

describeBroker('kafka', () => {
  let proxied: ProxiedBroker;
  let broker: BrokerInstance;
  let proxy: FaultProxy;
  let kafka: TestKafka;

  beforeAll(async () => {
    proxied = await ProxiedBroker.start();
    ({ broker, proxy } = proxied);
  });
  afterAll(() => proxied.remove());
  beforeEach(() => {
    kafka = new TestKafka(proxied.direct);
  });
  afterEach(async () => {
    await proxy.heal();
    await broker.start();
    await kafka.close();
  });

  const throughProxy = () => kafka.open(proxied.throughProxy);

  test('a broker that is killed under load loses nothing of what it has stored, and publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await kafka.declared();
    const subscriptions = await Promise.all([member(transport, seen.handle), member(kafka.open(), seen.handle)]);
    for (let round = 0; round < 2; round++) {
      const sending = sendAll(kafka.open(), round * 400, 400);
      await eventually(() => seen.distinct > round * 400 + 50);
      await broker.kill();
      await broker.start();
      await sending;
    }
    await eventually(() => seen.distinct === 800);
    expect(seen.unknown(800)).toEqual([]);
    expect(kafka.told('connect ECONNREFUSED')).toBe(true);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after 2 kills: 800 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const transport = await kafka.declared();
    const subscription = await member(throughProxy(), seen.handle);
    for (let round = 0; round < 4; round++) {
      const sending = sendAll(throughProxy(), round * 200, 200);
      await eventually(() => seen.distinct > round * 200 + 20);
      proxy.cut();
      await sending;
    }
    await eventually(() => seen.distinct === 800);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after 4 cuts: 800 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('a call that is held while connections are cut is acknowledged, and no other member gets what it holds', async () => {
    const transport = await kafka.declared();
    const [seen, other] = [new Seen(), new Seen()];
    let isHolding = false;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const holding = await member(throughProxy(), async (batch) => {
      isHolding = true;
      await finished;
      await seen.handle(batch);
    });
    await sendAll(transport, 0, 1);
    await eventually(() => isHolding);
    const before = kafka.errors.length;
    proxy.cut();
    await eventually(() => kafka.errors.length > before);
    const joining = await member(transport, other.handle);
    await eventually(() => kafka.told('group is rebalancing'));
    finish();
    await sendAll(transport, 1, 60);
    await eventually(() => new Set([...seen.numbers, ...other.numbers]).size === 61);
    await Promise.all([holding.close(), joining.close()]);
    expect(seen.total + other.total).toBe(61);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('in a black hole publishing ends as unavailable, and goes on after it', async () => {
    await kafka.declared();
    const transport = throughProxy();
    await sendAll(transport, 0, 10);
    await transport.ping();
    proxy.blackHole();
    const large = Array.from({ length: 20 }, (_, n) => numbered(n, Buffer.alloc(900_000)));
    const settlements = await Promise.all([transport.publish(large), transport.publish([numbered(0)])]);
    for (const settlement of settlements.flat()) {
      expect(settlement).toEqual({ stored: false, problem: 'unavailable', detail: expect.stringMatching(/no answer/) });
    }
    await expect(transport.ping()).rejects.toThrow('no answer');
    await proxy.heal();
    await sendAll(transport, 0, 10);
    await transport.ping();
  });

  test('a producer whose batch got no answer is not used again: the next batch would be taken for the same', async () => {
    const transport = await kafka.declared();
    const publisher = throughProxy();
    const one = (name: string): Message => ({ ...numbered(0), key: 'one', headers: { name } });
    // All batches are of one message, in one partition.
    expect(await publisher.publish([one('a')])).toEqual([{ stored: true }]);
    proxy.slow({ delayMs: 300 });
    const before = await transport.backlog('g');
    const unproved = publisher.publish([one('b')]);
    await eventually(async () => (await transport.backlog('g')) > before);
    // It has arrived, and the answer never will.
    proxy.blackHole();
    expect(await unproved).toEqual([expect.objectContaining({ stored: false, problem: 'unavailable' })]);
    proxy.cut();
    await proxy.heal();
    expect(await publisher.publish([one('c')])).toEqual([{ stored: true }]);
    const names: string[] = [];
    const handle = async (batch: readonly Message[]) =>
      void names.push(...batch.map(({ headers }) => headers['name']!));
    const subscription = await member(transport, handle);
    await eventually(() => names.includes('c'));
    await subscription.close();
    expect(names.slice(0, 2)).toEqual(['a', 'b']);
  });

  test('a member in a black hole loses its claims to another, and comes back', async () => {
    const transport = await kafka.declared();
    const [there, cutOff] = [new Seen(), new Seen()];
    let hang = true;
    const lost = await member(throughProxy(), async (batch) => {
      await cutOff.handle(batch);
      await eventually(() => !hang);
    });
    await sendAll(transport, 0, 50);
    await eventually(() => cutOff.distinct > 0);
    proxy.blackHole();
    const other = await member(transport, there.handle);
    await eventually(() => there.distinct === 50);
    await eventually(() => kafka.told('no answer'));
    await proxy.heal();
    hang = false;
    await other.close();
    await sendAll(transport, 50, 50);
    await eventually(() => [...cutOff.numbers].filter((n) => n >= 50).length === 50);
    await lost.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a broker that is not there yet is waited for, and a topic too', async () => {
    await broker.kill();
    const transport = kafka.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    const follower = new Seen();
    const following = await member(kafka.open(), follower.handle, { group: null });
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.any(String) },
    ]);
    await expect(transport.ping()).rejects.toThrow();
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow();
    await broker.start();
    await eventually(() => kafka.told('does not host this topic-partition'));
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.any(String) },
    ]);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await untilFollowed(transport, follower);
    await Promise.all([subscription.close(), following.close()]);
  });

  test('closes while the broker is gone and while nothing passes', async () => {
    const transport = await kafka.declared();
    await sendAll(transport, 0, 40);
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const [one, two] = [await member(throughProxy(), handle), await member(throughProxy(), handle)];
    await eventually(() => ends.length >= 2);
    proxy.blackHole();
    const closing = Promise.all([one.close(), two.close()]);
    ends.forEach((end) => end());
    await closing;
    await proxy.heal();
    const three = await member(transport, handle);
    await broker.kill();
    await three.close();
    await kafka.close();
  });

  test('a broadcast misses nothing over a cut and a restart of the broker', async () => {
    const transport = await kafka.declared();
    const seen = new Seen();
    const subscription = await member(throughProxy(), seen.handle, { group: null });
    await sendAll(transport, 0, 20);
    await eventually(() => seen.distinct === 20);
    proxy.cut();
    await sendAll(transport, 20, 20);
    await broker.kill();
    await broker.start();
    await sendAll(transport, 40, 20);
    await eventually(() => seen.distinct === 60);
    await subscription.close();
  });
});
