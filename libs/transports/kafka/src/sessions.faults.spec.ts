import type { Message } from '@order-events/messaging';
import {
  describeBroker,
  eventually,
  member,
  numbered,
  Seen,
  sendAll,
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
