import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message, Settlement, Subscribe, Transport } from '@order-events/messaging';
import { BrokerInstance, describeBroker, eventually, FaultProxy, freePort, runDirectory } from '@order-events/testing';
import { SESSION_MS } from './topology';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  let broker: BrokerInstance;
  let proxy: FaultProxy;
  /** Past the proxy. */
  let direct: string;
  let prefix: string;
  let errors: Error[];
  let transports: KafkaTransport[];

  beforeAll(async () => {
    const directory = mkdtempSync(join(runDirectory(), 'kafka-'));
    const names = ['client-1', 'internal-1', 'controller-1'] as const;
    const all = await Promise.all(names.map(async (name) => [name, await freePort()] as const));
    const ports = Object.fromEntries(all) as Record<(typeof names)[number], number>;
    const options = { name: 'kafka' as const, directory, ports, brokers: 1, secure: false, say: () => undefined };
    broker = await BrokerInstance.create(options);
    proxy = await FaultProxy.to({ host: '127.0.0.1', port: ports['client-1'] });
    direct = `127.0.0.1:${ports['internal-1']}`;
    // A broker tells its clients where to go on: those of this listener, through the proxy.
    const file = join(directory, 'server-1.properties');
    const address = `CLIENT://127.0.0.1:${ports['client-1']}`;
    const advertised = new RegExp(`^(advertised\\.listeners=.*)${address}`, 'm');
    const settings = readFileSync(file, 'utf8');
    expect(settings).toMatch(advertised);
    writeFileSync(file, settings.replace(advertised, `$1CLIENT://127.0.0.1:${proxy.port}`));
    await broker.start();
  });
  afterAll(async () => {
    await proxy.close();
    await broker.remove();
  });
  beforeEach(() => {
    prefix = `${randomUUID()}.`;
    [errors, transports] = [[], []];
  });
  afterEach(async () => {
    await proxy.heal();
    await broker.start();
    await Promise.all(transports.map((transport) => transport.close()));
  });

  const open = (brokers = direct) => {
    const onError = (error: Error) => void errors.push(error);
    const transport = new KafkaTransport({ brokers, applicationName: 'test', prefix, onError });
    transports.push(transport);
    return transport;
  };
  const throughProxy = () => open(`127.0.0.1:${proxy.port}`);
  const declared = async () => {
    const transport = open();
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    return transport;
  };
  const member = (transport: Transport, handle: Subscribe['handle'], more: Partial<Subscribe> = {}) =>
    transport.subscribe({
      group: 'g',
      topics: ['things'],
      batch: 20,
      waitMs: 2,
      inFlight: 100,
      parallel: 2,
      handle,
      ...more,
    });
  const told = (text: string | RegExp) => errors.some(({ message }) => message.match(text));

  test('a broker that is killed under load loses nothing of what it has stored, and publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await declared();
    const subscriptions = await Promise.all([member(transport, seen.handle), member(open(), seen.handle)]);
    for (let round = 0; round < 2; round++) {
      const sending = sendAll(open(), round * 400, 400);
      await until(() => seen.distinct > round * 400 + 50);
      await broker.kill();
      await broker.start();
      await sending;
    }
    await until(() => seen.distinct === 800);
    expect(seen.unknown(800)).toEqual([]);
    expect(told(/connect ECONNREFUSED/)).toBe(true);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after 2 kills: 800 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const transport = await declared();
    const subscription = await member(throughProxy(), seen.handle);
    for (let round = 0; round < 4; round++) {
      const sending = sendAll(throughProxy(), round * 200, 200);
      await until(() => seen.distinct > round * 200 + 20);
      proxy.cut();
      await sending;
    }
    await until(() => seen.distinct === 800);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after 4 cuts: 800 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('in a black hole publishing ends as unavailable, and goes on after it', async () => {
    await declared();
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
    const transport = await declared();
    const publisher = throughProxy();
    const one = (name: string): Message => ({ ...numbered(0), key: 'one', headers: { name } });
    // All batches are of one message, in one partition.
    expect(await publisher.publish([one('a')])).toEqual([{ stored: true }]);
    proxy.slow({ delayMs: 300 });
    const before = await transport.backlog('g');
    const unproved = publisher.publish([one('b')]);
    await until(async () => (await transport.backlog('g')) > before);
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
    await until(() => names.includes('c'));
    await subscription.close();
    expect(names.slice(0, 2)).toEqual(['a', 'b']);
  });

  test('a member in a black hole loses its claims to another, and comes back', async () => {
    const transport = await declared();
    const [there, cutOff] = [new Seen(), new Seen()];
    let hang = true;
    const lost = await member(throughProxy(), async (batch) => {
      await cutOff.handle(batch);
      await until(() => !hang);
    });
    await sendAll(transport, 0, 50);
    await until(() => cutOff.distinct > 0);
    proxy.blackHole();
    const other = await member(transport, there.handle);
    await until(() => there.distinct === 50);
    await until(() => told('no answer'));
    await proxy.heal();
    hang = false;
    await other.close();
    await sendAll(transport, 50, 50);
    await until(() => [...cutOff.numbers].filter((n) => n >= 50).length === 50);
    await lost.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a broker that is not there yet is waited for, and a topic too', async () => {
    await broker.kill();
    const transport = open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    const follower = new Seen();
    const following = await member(open(), follower.handle, { group: null });
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.any(String) },
    ]);
    await expect(transport.ping()).rejects.toThrow();
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow();
    await broker.start();
    await until(() => told('does not host this topic-partition'));
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.any(String) },
    ]);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 0, 10);
    await until(() => seen.distinct === 10);
    await untilFollowed(transport, follower);
    await Promise.all([subscription.close(), following.close()]);
  });

  test('closes while the broker is gone and while nothing passes', async () => {
    const transport = await declared();
    await sendAll(transport, 0, 40);
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const [one, two] = [await member(throughProxy(), handle), await member(throughProxy(), handle)];
    await until(() => ends.length >= 2);
    proxy.blackHole();
    const closing = Promise.all([one.close(), two.close()]);
    ends.forEach((end) => end());
    await closing;
    await proxy.heal();
    const three = await member(transport, handle);
    await broker.kill();
    await three.close();
    await Promise.all(transports.map((each) => each.close()));
  });

  test('a handler that takes longer than the session keeps its claim, and no other member gets what it holds', async () => {
    const transport = await declared();
    const seen = new Seen();
    const started = performance.now();
    const handle = async (batch: readonly Message[]) => {
      await seen.handle(batch);
      await until(() => performance.now() - started > 2 * SESSION_MS);
    };
    const [slow, other] = [await member(open(), handle), await member(open(), handle)];
    await sendAll(transport, 0, 60);
    await until(() => seen.distinct === 60);
    await Promise.all([slow.close(), other.close()]);
    expect(seen.total).toBe(60);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a rebalance waits for the calls that run, and nothing is handled twice', async () => {
    const transport = await declared();
    const seen = new Seen();
    let running = 0;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const slow = await member(
      open(),
      async (batch) => {
        running++;
        await seen.handle(batch);
        await finished;
      },
      { batch: 5 },
    );
    await sendAll(transport, 0, 60);
    await until(() => running === 2);
    const joining = await member(open(), seen.handle);
    await until(() => told('is rebalanced') || told('group is rebalancing'));
    expect(seen.total).toBe(10);
    finish();
    await until(() => seen.distinct === 60);
    await Promise.all([slow.close(), joining.close()]);
    expect(seen.total).toBe(60);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('members that come and go under load lose nothing, and no message is handled by two that live', async () => {
    const transport = await declared();
    const seen = new Seen();
    const sending = sendAll(transport, 0, 1500);
    const handle = async (batch: readonly Message[]) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await seen.handle(batch);
    };
    const first = await member(open(), handle);
    for (let round = 1; round <= 3; round++) {
      const guest = await member(open(), handle);
      await until(() => seen.distinct > round * 250);
      await guest.close();
    }
    await sending;
    await until(() => seen.distinct === 1500);
    await first.close();
    expect(seen.total).toBe(1500);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a broadcast misses nothing over a cut and a restart of the broker', async () => {
    const transport = await declared();
    const seen = new Seen();
    const subscription = await member(throughProxy(), seen.handle, { group: null });
    await sendAll(transport, 0, 20);
    await until(() => seen.distinct === 20);
    proxy.cut();
    await sendAll(transport, 20, 20);
    await broker.kill();
    await broker.start();
    await sendAll(transport, 40, 20);
    await until(() => seen.distinct === 60);
    await subscription.close();
  });
});

const numbered = (n: number, body: Uint8Array = Buffer.from(String(n))): Message => ({
  topic: 'things',
  key: `key-${n % 13}`,
  headers: { 'ce-id': randomUUID(), number: String(n) },
  body,
});

/** As the relay does: until each has been proved to be stored, the same message each time. */
async function sendAll(transport: Transport, from: number, count: number): Promise<void> {
  let open = Array.from({ length: count }, (_, n) => numbered(from + n));
  while (open.length > 0) {
    const batch = open.slice(0, 20);
    const settlements: Settlement[] = await transport.publish(batch);
    open = [...batch.filter((_, index) => !settlements[index]!.stored), ...open.slice(20)];
  }
}

/** Publishes until one arrives that was published now. */
async function untilFollowed(transport: Transport, seen: Seen): Promise<void> {
  const start = seen.distinct;
  for (let n = start; seen.distinct === start; n++) await sendAll(transport, 1000 + n, 1);
}

/** What was handled, counted. */
class Seen {
  readonly numbers = new Set<number>();
  total = 0;

  get distinct(): number {
    return this.numbers.size;
  }

  readonly handle = (batch: readonly Message[]): Promise<void> => {
    for (const { headers } of batch) this.numbers.add(Number(headers['number']));
    this.total += batch.length;
    return Promise.resolve();
  };

  unknown(count: number): number[] {
    return [...this.numbers].filter((n) => !(n >= 0 && n < count));
  }
}

/** Leaves the processor to others in between. */
const until = (condition: () => boolean | Promise<boolean>) =>
  eventually(async () => (await condition()) || (await new Promise((resolve) => setTimeout(resolve, 20, false))));
