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
import { AckPolicy, connect, nanos } from 'nats';
import { ACK_WAIT_MS } from './topology';
import { NatsTransport } from './transport';

describeBroker('nats', () => {
  let broker: PrivateBroker;
  let proxy: FaultProxy;
  let errors: Error[];
  let transports: NatsTransport[];

  beforeEach(async () => {
    broker = await privateBroker('nats');
    proxy = await FaultProxy.to(addressesIn(broker.env.NATS_URL!)[0]!);
    [errors, transports] = [[], []];
  });
  afterEach(async () => {
    await proxy.heal();
    await Promise.all(transports.map((transport) => transport.close()));
    await proxy.close();
    await broker.remove();
  });

  const open = (url = broker.env.NATS_URL!) => {
    const onError = (error: Error) => void errors.push(error);
    const transport = new NatsTransport({ url, applicationName: 'test', prefix: 'test.', onError });
    transports.push(transport);
    return transport;
  };
  const throughProxy = () => open(`nats://127.0.0.1:${proxy.port}`);
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

  test('a broker that is killed under load loses nothing of what it has stored, and publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await declared();
    const subscriptions = await Promise.all([member(transport, seen.handle), member(open(), seen.handle)]);
    for (let round = 0; round < 3; round++) {
      const progress = { stored: 0 };
      const sending = sendAll(open(), round * 400, 400, progress);
      await eventually(() => progress.stored >= 60);
      await broker.kill();
      await broker.start();
      await sending;
    }
    await eventually(() => seen.distinct === 1200);
    expect(seen.unknown(1200)).toEqual([]);
    expect(errors.some(({ message }) => message.includes('connection to NATS was lost'))).toBe(true);
    // The server forgets acknowledgements that it has answered when it is killed, and delivers those messages again.
    await eventually(async () => (await transport.backlog('g')) === 0);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    console.info(`after 3 kills: 1200 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  test('connections that are cut under load lose nothing, on either side', async () => {
    const seen = new Seen();
    const transport = await declared();
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
    await declared();
    const transport = throughProxy();
    await transport.ping();
    proxy.blackHole();
    const large = Array.from({ length: 30 }, (_, n) => numbered(n, Buffer.alloc(900_000)));
    const settlements = await transport.publish(large);
    expect(settlements).toEqual(large.map(() => expect.objectContaining({ stored: false, problem: 'unavailable' })));
    // It does not wait for the dead socket.
    await eventuallySlowly(() => errors.some(({ message }) => message.includes('connection to NATS was lost')));
    await expect(transport.ping()).rejects.toThrow();
    await proxy.heal();
    await sendAll(transport, 0, 10);
  });

  test('a member in a black hole loses its claims to another, and comes back', async () => {
    const transport = await declared();
    const [there, cutOff] = [new Seen(), new Seen()];
    let hang = true;
    const lost = await member(throughProxy(), async (batch) => {
      await cutOff.handle(batch);
      await eventuallySlowly(() => !hang);
    });
    await sendAll(transport, 0, 50);
    await eventually(() => cutOff.distinct > 0);
    proxy.blackHole();
    const other = await member(transport, there.handle);
    await eventuallySlowly(() => there.distinct === 50);
    await proxy.heal();
    hang = false;
    await other.close();
    await sendAll(transport, 50, 50);
    await eventuallySlowly(() => new Set([...cutOff.numbers].filter((n) => n >= 50)).size === 50);
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
    const transport = await declared();
    await sendAll(transport, 0, 40);
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const [one, two] = [await member(throughProxy(), handle), await member(throughProxy(), handle)];
    await eventually(() => ends.length > 0);
    proxy.blackHole();
    const closing = Promise.all([one.close(), two.close()]);
    ends.forEach((end) => end());
    await closing;
    await Promise.all(transports.map((each) => each.close()));
  });

  test('a handler that takes longer than the acknowledgement wait keeps its claim, over a cut too', async () => {
    const transport = await declared();
    const witness = await witnessOf(broker.env.NATS_URL!);
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const handle = async (batch: readonly Message[]) => {
      await seen.handle(batch);
      await finished;
    };
    const [slow, idle] = [await member(throughProxy(), handle), await member(throughProxy(), handle)];
    // Some wait behind others, with the same key, for longer than that.
    await sendAll(transport, 0, 60);
    await eventually(() => seen.total > 0);
    await witness.deliveredAgain(1);
    proxy.cut();
    await witness.deliveredAgain(3);
    finish();
    await eventuallySlowly(() => seen.distinct === 60);
    await Promise.all([slow.close(), idle.close()]);
    expect(seen.total).toBe(60);
    expect(await transport.backlog('g')).toBe(0);
    await witness.close();
  });

  test('a consumer that the server has deleted is missed aloud, and read again when it is declared', async () => {
    const transport = await declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    const connection = await connect({ servers: broker.env.NATS_URL!.slice('nats://'.length) });
    const jsm = await connection.jetstreamManager();
    await jsm.consumers.delete('test%2EORDER_EVENTS', 'test%2Eg');
    await eventuallySlowly(() => errors.some(({ message }) => message.includes('Consumer Deleted')));
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 10, 10);
    await eventuallySlowly(() => seen.distinct === 20);
    // The same with the whole stream.
    await jsm.streams.delete('test%2EORDER_EVENTS');
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 20, 10);
    await eventuallySlowly(() => seen.distinct === 30);
    await subscription.close();
    await connection.close();
  });

  test('a broadcast goes on after a restart of the broker, and says that it was interrupted', async () => {
    const transport = await declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await untilFollowed(transport, seen);
    await broker.kill();
    await broker.start();
    await untilFollowed(transport, seen);
    expect(errors.map(({ message }) => message)).toContainEqual(expect.stringContaining('a broadcast was interrupted'));
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
async function sendAll(transport: Transport, from: number, count: number, progress = { stored: 0 }): Promise<void> {
  let open = Array.from({ length: count }, (_, n) => numbered(from + n));
  while (open.length > 0) {
    const batch = open.slice(0, 20);
    const settlements: Settlement[] = await transport.publish(batch);
    open = [...batch.filter((_, index) => !settlements[index]!.stored), ...open.slice(20)];
    progress.stored = count - open.length;
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

/** A message that nobody acknowledges: how often it comes tells how often the acknowledgement wait has passed. */
async function witnessOf(url: string) {
  const connection = await connect({ servers: url.slice('nats://'.length) });
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
  const messages = await (
    await connection.jetstream().consumers.get('WITNESS', 'w')
  ).consume({
    callback: (msg) => (deliveries = msg.info.deliveryCount),
  });
  return {
    deliveredAgain: (times: number) => eventuallySlowly(() => deliveries > times),
    close: async () => {
      await messages.close();
      await connection.close();
    },
  };
}

/** For what takes seconds: leaves the processor to others in between. */
const eventuallySlowly = (condition: () => boolean) =>
  eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return condition();
  });
