import type { Message } from '@order-events/messaging';
import { describeBroker, eventually, member, numbered, Seen, sendAll } from '@order-events/testing';
import { TestBroker } from '../test/broker';

describeBroker('rabbitmq', () => {
  let test: TestBroker;
  beforeAll(async () => {
    test = await TestBroker.start();
  });
  afterEach(() => test.endTest());
  afterAll(() => test.remove());

  it('takes a message back from a handler that is slower than its acknowledgement time-out, and no key is in two calls', async () => {
    const usual = (await test.ctl('eval', 'element(2, application:get_env(rabbit, consumer_timeout)).')).trim();
    await test.ctl('eval', 'application:set_env(rabbit, consumer_timeout, 1000).');
    // How often it looks.
    await test.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 500).');
    const transport = await test.declared();
    const seen = new Seen();
    const busy = new Set<string>();
    let overlaps = 0;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const handle = async (batch: readonly Message[]) => {
      for (const { key } of batch) overlaps += busy.has(key) ? 1 : 0;
      for (const { key } of batch) busy.add(key);
      await seen.handle(batch);
      await finished;
      for (const { key } of batch) busy.delete(key);
    };
    const subscription = await member(transport, handle, { inFlight: 30 });
    await sendAll(transport, 0, 60);
    await eventually(() => test.told('delivery acknowledgement on channel'));
    finish();
    await eventually(() => seen.distinct === 60);
    await subscription.close();
    expect(overlaps).toBe(0);
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after an acknowledgement time-out: 60 sent, 0 lost, ${seen.total - 60} delivered again`);
    expect(usual).toBe('1800000');
    await test.ctl('eval', `application:set_env(rabbit, consumer_timeout, ${usual}).`);
  });

  it('says so when a queue or the exchange is deleted, and goes on when it is declared again', async () => {
    const transport = await test.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await test.ctl('delete_queue', `${test.prefix}g`);
    await eventually(() => test.told('cancelled consuming') && test.told('NOT_FOUND'));
    const unbound = { stored: false, problem: 'unavailable', detail: expect.stringContaining('no group') };
    expect(await transport.publish([numbered(0)])).toEqual([unbound]);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 10, 10);
    await eventually(() => seen.distinct === 20);
    await test.ctl(
      'eval',
      `rabbit_exchange:delete({resource, <<"/">>, exchange, <<"${test.prefix}order-events">>}, false, <<"test">>).`,
    );
    const gone = { stored: false, problem: 'unavailable', detail: expect.stringContaining('NOT_FOUND') };
    expect(await transport.publish([numbered(0)])).toEqual([gone]);
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await sendAll(transport, 20, 10);
    await eventually(() => seen.distinct === 30);
    await subscription.close();
  });
});
