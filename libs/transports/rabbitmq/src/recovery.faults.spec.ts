import type { Message } from '@order-events/messaging';
import {
  describeBroker,
  eventually,
  member,
  numbered,
  range,
  Seen,
  sendAll,
  untilFollowed,
} from '@order-events/testing';
import { TestBroker } from '../test/broker';

describeBroker('rabbitmq', () => {
  let test: TestBroker;
  beforeAll(async () => {
    test = await TestBroker.start();
  });
  afterEach(() => test.endTest());
  afterAll(() => test.remove());

  it('loses nothing of what it has stored when it is killed under load, and publisher and members come back', async () => {
    const seen = new Seen();
    const transport = await test.declared();
    const subscriptions = [await member(transport, seen.handle), await member(test.open(), seen.handle)];
    for (let round = 0; round < 3; round++) {
      const sending = sendAll(test.open(), round * 400, 400);
      await eventually(() => seen.distinct > round * 400 + 50);
      await test.broker.kill();
      await test.broker.start();
      await sending;
    }
    await eventually(() => seen.distinct >= 1200);
    expect(seen.lost(1200)).toEqual([]);
    expect(test.told('connection to RabbitMQ was lost')).toBe(true);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after 3 kills: 1200 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  it('is waited for when it restarts in order', async () => {
    const seen = new Seen();
    const transport = await test.declared();
    const subscription = await member(transport, seen.handle);
    const sending = sendAll(transport, 0, 400);
    await eventually(() => seen.distinct > 50);
    await test.broker.stop();
    await test.broker.start();
    await sending;
    await eventually(() => seen.distinct >= 400);
    expect(seen.lost(400)).toEqual([]);
    await subscription.close();
  });

  it('loses nothing over connections that are cut under load, on either side', async () => {
    const seen = new Seen();
    const transport = await test.declared();
    const subscription = await member(test.throughProxy(), seen.handle);
    const publisher = test.throughProxy();
    for (let round = 0; round < 5; round++) {
      const sending = sendAll(publisher, round * 200, 200);
      await eventually(() => seen.distinct > round * 200 + 20);
      test.proxy.cut();
      await sending;
    }
    await eventually(() => seen.distinct >= 1000);
    expect(seen.lost(1000)).toEqual([]);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
    console.info(`after 5 cuts: 1000 sent, 0 lost, ${seen.total - seen.distinct} delivered again`);
  });

  it('ends publishing into a black hole as unavailable, also when the socket takes no more, and goes on after it', async () => {
    await test.declared();
    const transport = test.throughProxy();
    await sendAll(transport, 0, 1);
    await transport.ping();
    test.proxy.blackHole();
    const large = range(0, 30).map((message) => ({ ...message, body: Buffer.alloc(900_000) }));
    const settlements = await transport.publish(large);
    expect(settlements).toEqual(
      large.map(() => ({ stored: false, problem: 'unavailable', detail: expect.any(String) })),
    );
    expect(test.told('RabbitMQ confirms nothing')).toBe(true);
    await expect(transport.ping()).rejects.toThrow('no answer from RabbitMQ');
    await test.proxy.heal();
    await sendAll(transport, 1, 10);
  });

  it('takes what a member in a black hole holds back for another, and lets it come back', async () => {
    const transport = await test.declared();
    const [there, cutOff] = [new Seen(), new Seen()];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    // Room for all of them in its hands.
    const lost = await member(
      test.throughProxy(),
      async (batch) => {
        await cutOff.handle(batch);
        await finished;
      },
      { inFlight: 50 },
    );
    await sendAll(transport, 0, 50);
    await eventually(() => cutOff.distinct > 0);
    test.proxy.blackHole();
    const other = await member(transport, there.handle);
    await eventually(() => there.distinct === 50);
    await eventually(() => test.told('connection to RabbitMQ was lost: Heartbeat timeout'));
    await test.proxy.heal();
    finish();
    await other.close();
    await sendAll(transport, 50, 50);
    await eventually(() => [...cutOff.numbers].filter((n) => n >= 50).length === 50);
    await lost.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  it('is waited for when it is not there yet', async () => {
    await test.declared();
    await test.broker.kill();
    const transport = test.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    const absent = { stored: false, problem: 'unavailable', detail: expect.stringContaining('ECONNREFUSED') };
    expect(await transport.publish(range(0, 2))).toEqual([absent, absent]);
    await expect(transport.ping()).rejects.toThrow('ECONNREFUSED');
    await expect(transport.declare([{ topic: 'things', groups: ['g'] }])).rejects.toThrow('ECONNREFUSED');
    await expect(transport.backlog('g')).rejects.toThrow('ECONNREFUSED');
    await test.broker.start();
    await sendAll(transport, 0, 10);
    await eventually(() => seen.distinct === 10);
    await subscription.close();
  });

  it('lets close, and leaves no handle, while calls run, while nothing passes and while it is gone', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = sockets();
    const transport = await test.declared();
    await sendAll(transport, 0, 40);
    const ends: (() => void)[] = [];
    const handle = () => new Promise<void>((resolve) => void ends.push(resolve));
    const cutOff = test.throughProxy();
    const few = { inFlight: 20 };
    const subscriptions = [await member(cutOff, handle, few), await member(transport, handle, few)];
    await eventually(() => ends.length >= 2);
    test.proxy.blackHole();
    const closing = Promise.all(subscriptions.map((subscription) => subscription.close()));
    ends.forEach((end) => end());
    await closing;
    const absent = test.open();
    await test.broker.kill();
    const waiting = await member(absent, handle);
    await waiting.close();
    await Promise.all([transport, cutOff, absent].map((each) => each.close()));
    test.proxy.cut();
    await eventually(() => sockets() <= before);
    await test.broker.start();
  });

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

  it('broadcasts again after it was killed', async () => {
    const transport = await test.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await sendAll(transport, 0, 1);
    await eventually(() => seen.distinct === 1);
    await test.broker.kill();
    await test.broker.start();
    await untilFollowed(transport, seen);
    await subscription.close();
  });
});
