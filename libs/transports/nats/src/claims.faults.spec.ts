import type { Message } from '@order-events/messaging';
import { addressesIn, describeBroker, eventually, FaultProxy, member, Seen, sendAll } from '@order-events/testing';
import { AckPolicy, nanos } from 'nats';
import { TestServer } from '../test/server';
import { ACK_WAIT_MS } from './topology';

describeBroker('nats', () => {
  test('a handler that takes longer than the acknowledgement wait keeps its claim, over a cut too', async () => {
    const server = await TestServer.shared();
    const proxy = await FaultProxy.to(addressesIn(server.url)[0]!);
    const throughProxy = `nats://127.0.0.1:${proxy.port}`;
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
    const [slow, idle] = [
      await member(server.open(throughProxy), handle, room),
      await member(server.open(throughProxy), handle, room),
    ];
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
    await server.endTest();
    await proxy.close();
  });
});

/** A message that nobody acknowledges: how often it comes tells how often the acknowledgement wait has passed. */
async function witnessOf(server: TestServer) {
  const [stream, subject] = [server.name('WITNESS'), `${server.prefix}witness`];
  const connection = await server.bystander();
  const jsm = await connection.jetstreamManager();
  await jsm.streams.add({ name: stream, subjects: [subject] });
  const config = {
    durable_name: 'w',
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: 1,
  };
  await jsm.consumers.add(stream, config);
  await connection.jetstream().publish(subject);
  let deliveries = 0;
  const consumer = await connection.jetstream().consumers.get(stream, 'w');
  const messages = await consumer.consume({ callback: (msg) => (deliveries = msg.info.deliveryCount) });
  return {
    deliveredAgain: (times: number) => eventually(() => deliveries > times),
    close: () => messages.close(),
  };
}
