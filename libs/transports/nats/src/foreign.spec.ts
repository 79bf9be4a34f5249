import { randomUUID } from 'node:crypto';
import { describeBroker, eventually, foreignConformance, sharedBroker } from '@order-events/testing';
import { connect, RetentionPolicy, type NatsConnection } from 'nats';
import { NatsForeign } from './foreign';

describeBroker('nats', () => {
  let url: string;
  let theirs: NatsConnection;
  const opened: NatsForeign[] = [];
  const open = (subject: string) => {
    const foreign = new NatsForeign({ url, applicationName: 'test', onError: () => {} }, subject);
    opened.push(foreign);
    return foreign;
  };
  beforeAll(async () => {
    url = (await sharedBroker('nats')).env.NATS_URL!;
    theirs = await connect({ servers: url.replace('nats://', '') });
  });
  afterEach(() => Promise.all(opened.splice(0).map((foreign) => foreign.close())));
  afterAll(() => theirs.close());

  foreignConformance('NatsForeign', () => {
    const subject = `orders.${randomUUID()}`;
    const settings = { url, applicationName: 'test', onError: () => {} };
    return Promise.resolve({ connect: () => new NatsForeign(settings, subject), close: () => Promise.resolve() });
  });

  const body = Buffer.from('{"order_id":"o1"}');

  it('is read by a queue group of core NATS, as the bytes and without a header', async () => {
    const subject = `orders.${randomUUID()}`;
    const foreign = open(subject);
    await foreign.declare();
    const seen: [string, boolean][] = [];
    theirs.subscribe(subject, {
      queue: 'warehouse',
      callback: (_, msg) => void seen.push([msg.string(), msg.headers === undefined]),
    });
    await theirs.flush();
    expect(await foreign.publish([{ key: 'k', body }])).toEqual([{ stored: true }]);
    await eventually(() => seen.length === 1);
    expect(seen).toEqual([[body.toString(), true]]);
  });

  it('takes the stream that holds the subject already, and leaves it as it is', async () => {
    const subject = `orders.${randomUUID()}`;
    const jsm = await theirs.jetstreamManager();
    const name = randomUUID();
    await jsm.streams.add({ name, subjects: [subject], retention: RetentionPolicy.Limits, max_msgs: 7 });
    const foreign = open(subject);
    await foreign.declare('g');
    expect(await foreign.publish([{ key: 'k', body }])).toEqual([{ stored: true }]);
    const { config, state } = await jsm.streams.info(name);
    expect([config.max_msgs, config.subjects, state.messages, state.consumer_count]).toEqual([7, [subject], 1, 1]);
    const seen: string[] = [];
    const handle = async (batch: readonly { body: Uint8Array }[]) =>
      void seen.push(...batch.map((one) => Buffer.from(one.body).toString()));
    const reading = await foreign.subscribe({ group: 'g', batch: 1, waitMs: 1, inFlight: 1, parallel: 1, handle });
    await eventually(() => seen.length === 1);
    await reading.close();
  });

  it('without a stream nothing counts as stored, and nothing is subscribed to', async () => {
    const foreign = open(`orders.${randomUUID()}`);
    expect(await foreign.publish([{ key: 'k', body }])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.any(String) },
    ]);
    const read = { group: 'g', batch: 1, waitMs: 1, inFlight: 1, parallel: 1, handle: () => Promise.resolve() };
    await expect(foreign.subscribe(read)).rejects.toThrow(/no stream of NATS holds orders.*the setup makes one/);
  });
});
