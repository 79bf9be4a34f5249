import { randomUUID } from 'node:crypto';
import type { Message, Settlement, Subscribe, Transport } from '@order-events/messaging';
import {
  addressesIn,
  describeBroker,
  eventually,
  FaultProxy,
  privateBroker,
  type PrivateBroker,
} from '@order-events/testing';
import { NSQDConnection, type Message as Delivery } from 'nsqjs';
import { CLAIM_MS } from './connection';
import { NsqTransport } from './transport';

describeBroker('nsq', () => {
  let broker: PrivateBroker;
  let proxy: FaultProxy;
  let errors: Error[];
  let transports: NsqTransport[];

  beforeEach(async () => {
    broker = await privateBroker('nsq');
    proxy = await FaultProxy.to(addressesIn(broker.env.NSQD_ADDRESSES!)[0]!);
    [errors, transports] = [[], []];
  });
  afterEach(async () => {
    await proxy.heal();
    await Promise.all(transports.map((transport) => transport.close()));
    await proxy.close();
    await broker.remove();
  });

  const open = (nsqdAddresses = broker.env.NSQD_ADDRESSES!, nsqlookupdAddresses = broker.env.NSQLOOKUPD_ADDRESSES!) => {
    const onError = (error: Error) => void errors.push(error);
    const addresses = { nsqdAddresses, nsqlookupdAddresses };
    const transport = new NsqTransport({ ...addresses, applicationName: 'test', prefix: 'test.', onError });
    transports.push(transport);
    return transport;
  };
  /** To the first nsqd, which is the only one that it knows. */
  const throughProxy = () => open(`127.0.0.1:${proxy.port}`, '');
  const nsqd = (number: number) => broker.env.NSQD_ADDRESSES!.split(',')[number - 1]!;
  const declared = async (groups = ['g']) => {
    const transport = open();
    await transport.declare([{ topic: 'things', groups }]);
    return transport;
  };
  const member = (transport: Transport, handle: Subscribe['handle'], more: Partial<Subscribe> = {}) =>
    transport.subscribe({
      group: 'g',
      topics: ['things'],
      batch: 20,
      waitMs: 2,
      inFlight: 40,
      parallel: 2,
      handle,
      ...more,
    });
  const toldOf = (text: string | RegExp) => eventually(() => errors.some(({ message }) => message.match(text)));

  test('declares each group on every nsqd, and again without harm', async () => {
    const transport = await declared(['g', 'h']);
    await sendAll(transport, 0, 5);
    await declared(['g', 'h', 'i']);
    for (const number of [1, 2]) {
      const stats = JSON.parse(await request(broker, number, '/stats?format=json&topic=test.things')) as {
        topics: { channels: { channel_name: string }[] }[];
      };
      const names = stats.topics[0]?.channels.map(({ channel_name }) => channel_name);
      expect(names).toEqual(['test.g', 'test.h', 'test.i']);
    }
    expect([await transport.backlog('g'), await transport.backlog('i')]).toEqual([5, 0]);
  });

  test('of what nsqd has stored, kill -9 under load costs what was in flight at most; publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await declared();
    const subscription = await member(transport, seen.handle);
    const publisher = open();
    const rounds = 3;
    for (let round = 0; round < rounds; round++) {
      const sending = sendAll(publisher, round * 300, 300);
      await eventually(() => seen.distinct > round * 250 + 50);
      await broker.kill();
      await broker.start();
      await sending;
    }
    // Two nsqds with twenty messages each in our hands; one on its way from the topic to the channel.
    const most = rounds * 2 * (20 + 1);
    await eventually(() => seen.distinct >= 300 * rounds - most);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await subscription.close();
    await toldOf(/closed the connection|ECONNRE/);
    const lost = 300 * rounds - seen.distinct;
    console.info(`after 3 kills: 900 sent, ${lost} lost, ${seen.total - seen.distinct} delivered again`);
    expect(lost).toBeLessThanOrEqual(most);
  });

  test('kill -9 costs nothing of what has reached its channel and is in nobody’s hands', async () => {
    const transport = await declared(['g', 'h']);
    await sendAll(transport, 0, 50);
    for (const group of ['g', 'h']) expect(await transport.backlog(group)).toBe(50);
    await broker.kill();
    await broker.start();
    for (const group of ['g', 'h']) {
      const seen = new Seen();
      const subscription = await member(transport, seen.handle, { group });
      await eventually(() => seen.distinct === 50);
      await subscription.close();
      expect(await transport.backlog(group)).toBe(0);
    }
  });

  test('an orderly restart under load loses nothing', async () => {
    const seen = new Seen();
    const transport = await declared();
    const subscription = await member(transport, seen.handle);
    const sending = sendAll(open(), 0, 400);
    await eventually(() => seen.distinct > 50);
    await broker.stop();
    await broker.start();
    await sending;
    await eventually(() => seen.distinct === 400);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('one nsqd of two that is gone stops nobody, and what it holds comes with it', async () => {
    const seen = new Seen();
    const transport = await declared();
    await sendAll(open(nsqd(1), ''), 0, 20);
    await broker.kill('nsqd-1');
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 20, 50);
    await eventually(() => seen.distinct === 50);
    await broker.start('nsqd-1');
    await eventually(() => seen.distinct === 70);
    await subscription.close();
  });

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const transport = await declared();
    const subscription = await member(throughProxy(), seen.handle);
    const publisher = throughProxy();
    for (let round = 0; round < 3; round++) {
      const sending = sendAll(publisher, round * 100, 100);
      await eventually(() => seen.distinct > round * 100 + 20);
      proxy.cut();
      await sending;
    }
    await eventually(() => seen.distinct === 300);
    await eventually(async () => (await transport.backlog('g')) === 0);
    await subscription.close();
    console.info(`after 3 cuts: 300 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('in a black hole publishing ends as unavailable, also when the socket takes no more, and goes on after it', async () => {
    await declared();
    const transport = throughProxy();
    await sendAll(transport, 0, 1);
    proxy.blackHole();
    const large = Array.from({ length: 30 }, (_, n) => numbered(n, Buffer.alloc(700_000)));
    const settlements = await transport.publish(large);
    expect(settlements).toEqual(
      large.map(() => ({ stored: false, problem: 'unavailable', detail: expect.stringContaining('no answer') })),
    );
    await expect(transport.ping()).rejects.toThrow();
    await proxy.heal();
    await transport.ping();
    await sendAll(transport, 0, 10);
  });

  test('from a nsqd in a black hole the publisher moves on to the next', async () => {
    await declared();
    let transport: NsqTransport;
    // Where it begins is left to chance.
    do {
      transport = open(`127.0.0.1:${proxy.port},${nsqd(2)}`, '');
      await sendAll(transport, 0, 1);
    } while (proxy.open === 0);
    proxy.blackHole();
    expect(await transport.publish([numbered(1)])).toEqual([{ stored: true }]);
    const before = performance.now();
    await sendAll(transport, 2, 10);
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  test('a member in a black hole loses its claims to another, and comes back', async () => {
    const transport = await declared();
    const [there, cutOff] = [new Seen(), new Seen()];
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const lost = await member(throughProxy(), async (batch) => {
      await cutOff.handle(batch);
      await released;
    });
    const publisher = open(nsqd(1), '');
    await sendAll(publisher, 0, 30);
    await eventually(() => cutOff.distinct > 0);
    proxy.blackHole();
    await toldOf('nothing came for');
    const other = await member(transport, there.handle);
    await eventually(() => there.distinct === 30);
    await proxy.heal();
    release();
    await other.close();
    await sendAll(publisher, 30, 10);
    await eventually(() => [...cutOff.numbers].filter((n) => n >= 30).length === 10);
    await lost.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a broker that is not there yet is waited for', async () => {
    await declared();
    await broker.kill();
    const transport = open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    expect(await transport.publish([numbered(0)])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.stringContaining('ECONNREFUSED') },
    ]);
    await expect(transport.ping()).rejects.toThrow();
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow();
    await expect(transport.backlog('g')).rejects.toThrow();
    await broker.start();
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('closes while busy and nothing passes, and leaves nothing open', async () => {
    const handles = () => process.getActiveResourcesInfo().filter((one) => /TCPSocket|Timeout/.test(one)).length;
    await declared();
    await sendAll(open(nsqd(1), ''), 0, 40);
    await Promise.all(transports.splice(0).map((transport) => transport.close()));
    const before = handles();
    const ends: (() => void)[] = [];
    const transport = throughProxy();
    const busy = await member(transport, () => new Promise<void>((resolve) => void ends.push(resolve)));
    await eventually(() => ends.length > 0);
    proxy.blackHole();
    const closing = busy.close();
    ends.forEach((end) => end());
    await closing;
    await transport.close();
    await proxy.heal();
    await eventually(() => proxy.open === 0);
    await eventually(() => handles() <= before);
  });

  test('a handler that takes longer than the claim keeps it; over a cut the same call goes on with the next delivery', async () => {
    const transport = await declared();
    await transport.declare([{ topic: 'witness', groups: ['g'] }]);
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const wait = async (batch: readonly Message[]) => {
      await seen.handle(batch);
      await finished;
    };
    // With room for all of them, else nsqd keeps some of the lost back for others.
    const slow = await member(throughProxy(), wait, { inFlight: 100 });
    const publisher = open(nsqd(1), '');
    // Some wait behind others, with the same key, for the whole time.
    await sendAll(publisher, 0, 60);
    await eventually(() => seen.total > 0);
    const witness = await claimsThatEnd(nsqd(1), publisher);
    await witness.until(1);
    proxy.cut();
    await witness.until(3);
    finish();
    await eventually(() => seen.distinct === 60);
    await eventually(async () => (await transport.backlog('g')) === 1);
    expect(seen.total).toBe(60);
    await slow.close();
    witness.close();
  });

  test('a nsqd that joins later has the channels of all groups before anybody reads them, and members find it', async () => {
    await broker.kill('nsqd-2');
    const lookup = broker.env.NSQLOOKUPD_ADDRESSES!;
    const transport = open('', lookup);
    await transport.declare([{ topic: 'things', groups: ['g', 'h'] }]);
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await broker.start('nsqd-2');
    const publisher = open(nsqd(2), '');
    await sendAll(publisher, 0, 10);
    expect(await transport.backlog('h')).toBe(10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  test('while nsqlookupd is gone, what it has told goes on, and its absence is told', async () => {
    const transport = open('', broker.env.NSQLOOKUPD_ADDRESSES);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await broker.kill('nsqlookupd');
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await toldOf('gave no answer');
    await subscription.close();
    await expect(open('', broker.env.NSQLOOKUPD_ADDRESSES).ping()).rejects.toThrow('no nsqd is known');
  });

  test('a broadcast goes on after a restart of the broker', async () => {
    const transport = await declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await sendAll(transport, 0, 1);
    await eventually(() => seen.distinct === 1);
    await broker.kill();
    await broker.start();
    for (let n = 1; seen.distinct === 1; n++) await sendAll(transport, n, 1);
    await subscription.close();
  });

  test('an acknowledgement that nsqd does not take is told, and harms nobody', async () => {
    const seen = new Seen();
    const transport = await declared();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const subscription = await member(throughProxy(), async (batch) => {
      await seen.handle(batch);
      if (seen.total === 1) await finished;
    });
    const publisher = open(nsqd(1), '');
    await sendAll(publisher, 0, 1);
    await eventually(() => seen.total === 1);
    // What an operator may do: nsqd forgets all messages of the channel, those in our hands too.
    await request(broker, 1, '/channel/empty?topic=test.things&channel=test.g', 'POST');
    finish();
    await toldOf('E_FIN_FAILED');
    await sendAll(publisher, 1, 10);
    await eventually(() => seen.distinct === 11);
    expect(errors.filter(({ message }) => !message.includes('E_FIN_FAILED'))).toEqual([]);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('refuses what no nsqd takes, stores what stands beside it, and does not reject for anything', async () => {
    const transport = await declared();
    const fits = numbered(1);
    const settlements = await transport.publish([
      fits,
      numbered(2, Buffer.alloc(1024 * 1024)),
      { ...fits, topic: 'no topic' },
      { ...fits, topic: 'x'.repeat(65) },
      fits,
    ]);
    const refused = (detail: string) => ({
      stored: false,
      problem: 'refused',
      detail: expect.stringContaining(detail),
    });
    const name = refused('is not a name that NSQ takes');
    expect(settlements).toEqual([{ stored: true }, refused('bytes, and NSQ takes'), name, name, { stored: true }]);
    expect(await transport.publish([])).toEqual([]);
    await expect(transport.declare([{ topic: 'no topic', groups: ['g'] }])).rejects.toThrow('NSQ takes');
    await expect(member(transport, () => Promise.resolve(), { group: 'no group' })).rejects.toThrow('NSQ takes');
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
}

/** A message that nobody acknowledges: how often it comes tells how often a claim has ended. */
async function claimsThatEnd(address: string, publisher: Transport) {
  const { host, port } = addressesIn(address)[0]!;
  const connection = new NSQDConnection(host, port, 'test.witness', 'test.g', {
    clientId: 'witness',
    authSecret: null,
    heartbeatInterval: 5,
    messageTimeout: CLAIM_MS,
    outputBufferSize: -1,
    tls: false,
  });
  let deliveries = 0;
  connection.on('message', ({ attempts }: Delivery) => (deliveries = attempts));
  connection.on('error', () => {});
  connection.once('ready', () => connection.setRdy(1));
  connection.connect();
  await publisher.publish([{ ...numbered(0), topic: 'witness' }]);
  return {
    until: (times: number) => eventually(() => deliveries > times),
    close: () => connection.close(),
  };
}

/** Of a nsqd's HTTP side. */
async function request(broker: PrivateBroker, number: number, path: string, method = 'GET'): Promise<string> {
  const { port } = addressesIn(broker.env.NSQD_ADDRESSES!)[number - 1]!;
  const response = await fetch(`http://${broker.env.NSQLOOKUPD_ADDRESSES!}/nodes`);
  const { producers } = (await response.json()) as { producers: { tcp_port: number; http_port: number }[] };
  const { http_port } = producers.find(({ tcp_port }) => tcp_port === port)!;
  return (await fetch(`http://127.0.0.1:${http_port}${path}`, { method })).text();
}
