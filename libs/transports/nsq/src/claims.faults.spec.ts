import type { Message, Transport } from '@order-events/messaging';
import { addressesIn, describeBroker, eventually, member, numbered, Seen, sendAll } from '@order-events/testing';
import { NSQDConnection, type Message as Delivery } from 'nsqjs';
import { TestCluster } from '../test/cluster';
import { CLAIM_MS } from './connection';

describeBroker('nsq', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(() => cluster.remove());

  test('a handler that takes longer than the claim keeps it; over a cut the same call goes on with the next delivery', async () => {
    const transport = await cluster.declared();
    await transport.declare([{ topic: 'witness', groups: ['g'] }]);
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const wait = async (batch: readonly Message[]) => {
      await seen.handle(batch);
      await finished;
    };
    // With room for all of them, else nsqd keeps some of the lost back for others.
    const slow = await member(cluster.throughProxy(), wait, { inFlight: 100 });
    const publisher = cluster.open(cluster.nsqd(1), '');
    // Some wait behind others, with the same key, for the whole time.
    await sendAll(publisher, 0, 60);
    await eventually(() => seen.total > 0);
    const witness = await claimsThatEnd(cluster.nsqd(1), publisher);
    await witness.until(1);
    cluster.proxy.cut();
    await witness.until(3);
    finish();
    await eventually(() => seen.distinct === 60);
    await eventually(async () => (await transport.backlog('g')) === 1);
    expect(seen.total).toBe(60);
    await slow.close();
    witness.close();
  });

  test('an acknowledgement that nsqd does not take is told, and harms nobody', async () => {
    const seen = new Seen();
    const transport = await cluster.declared();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const subscription = await member(cluster.throughProxy(), async (batch) => {
      await seen.handle(batch);
      if (seen.total === 1) await finished;
    });
    const publisher = cluster.open(cluster.nsqd(1), '');
    await sendAll(publisher, 0, 1);
    await eventually(() => seen.total === 1);
    // What an operator may do: nsqd forgets all messages of the channel, those in our hands too.
    await cluster.request(1, '/channel/empty?topic=test.things&channel=test.g', 'POST');
    finish();
    await eventually(() => cluster.told('E_FIN_FAILED'));
    await sendAll(publisher, 1, 10);
    await eventually(() => seen.distinct === 11);
    expect(cluster.errors.filter(({ message }) => !message.includes('E_FIN_FAILED'))).toEqual([]);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
  });
});

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
