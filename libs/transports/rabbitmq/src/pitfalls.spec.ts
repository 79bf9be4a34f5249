import type { Message } from '@order-events/messaging';
import { describeBroker, eventually, member, numbered, range, Seen, sendAll } from '@order-events/testing';
import { connect, type ChannelModel } from 'amqplib';
import { TestBroker } from '../test/broker';

const stored = { stored: true };
const problem = (kind: 'refused' | 'unavailable', words: string) => ({
  stored: false,
  problem: kind,
  detail: expect.stringContaining(words),
});

describeBroker('rabbitmq', () => {
  let test: TestBroker;
  let foreign: ChannelModel;
  beforeAll(async () => {
    test = await TestBroker.start();
    foreign = await connect(test.url);
  });
  afterEach(() => test.endTest());
  afterAll(async () => {
    await foreign.close();
    await test.remove();
  });

  it('confirms what nobody would get, and that is not taken for proof', async () => {
    const transport = await test.declared();
    const stray = { ...numbered(1), topic: 'nobody' };
    expect(await transport.publish([numbered(0), stray, numbered(2)])).toEqual([
      stored,
      problem('unavailable', 'no group is declared for nobody'),
      stored,
    ]);
    await transport.declare([{ topic: 'nobody', groups: ['g'] }]);
    expect(await transport.publish([stray])).toEqual([stored]);
    expect(await transport.backlog('g')).toBe(3);
  });

  it('takes a message that nobody consumes for stored only until somebody does', async () => {
    const transport = await test.declared();
    const message = { ...numbered(0), topic: 'rumour' };
    await transport.declare([{ topic: 'rumour', groups: [] }]);
    expect(await transport.publish([message])).toEqual([stored]);
    await transport.declare([{ topic: 'rumour', groups: ['g'] }]);
    expect(await transport.publish([message])).toEqual([stored]);
    expect(await transport.backlog('g')).toBe(1);
    const channel = await foreign.createChannel();
    await channel.deleteQueue(`${test.prefix}g`);
    await channel.close();
    expect(await transport.publish([message])).toEqual([problem('unavailable', 'no group is declared for rumour')]);
  });

  it('refuses what it could never take, and stores what was sent with it', async () => {
    const transport = await test.declared();
    const message = numbered(1);
    const unfit: Message[] = [
      { ...message, headers: { long: 'x'.repeat(70_000) } },
      { ...message, headers: { ['x'.repeat(300)]: 'x' } },
      { ...message, headers: { CC: 'somebody else' } },
      { ...message, topic: 'x'.repeat(300) },
      { ...message, body: Buffer.alloc(transport.capabilities.maxBytes + 1) },
    ];
    const settlements = await transport.publish(unfit.flatMap((one) => [numbered(0), one]));
    expect(settlements.filter(({ stored }) => stored)).toHaveLength(unfit.length);
    expect(settlements.filter((_, index) => index % 2 === 1)).toEqual(unfit.map(() => problem('refused', '')));
  });

  it('ends the channel for a message above its own limit, and only that one is refused', async () => {
    const usual = (await test.ctl('eval', 'element(2, application:get_env(rabbit, max_message_size)).')).trim();
    // A new channel looks at the setting on 3.x; from 4.0 on, at what was made of it when the broker started.
    const limit = (bytes: number | string) => {
      const words = `application:set_env(rabbit, max_message_size, ${bytes}), persistent_term:put(max_message_size, ${bytes}).`;
      return test.ctl('eval', words);
    };
    await limit(100_000);
    const transport = await test.declared();
    const batch = [...range(0, 9), numbered(9, Buffer.alloc(100_001)), ...range(10, 10)];
    const [settlements, others] = await Promise.all([transport.publish(batch), transport.publish(range(20, 20))]);
    expect(settlements.map((settlement) => settlement.stored)).toEqual(batch.map((_, index) => index !== 9));
    expect(settlements[9]).toEqual(problem('refused', 'larger than'));
    expect(others).toEqual(others.map(() => stored));
    await limit(usual);
  });

  it('blocks publishers when it is short of memory: they are told at once, members work on, and it ends', async () => {
    const transport = await test.declared();
    const seen = new Seen();
    await sendAll(transport, 0, 20);
    await test.ctl('set_vm_memory_high_watermark', 'absolute', '1');
    expect(await transport.publish([numbered(20)])).toEqual([problem('unavailable', 'takes no more messages')]);
    expect(await transport.publish([numbered(21)])).toEqual([problem('unavailable', 'takes no more messages')]);
    expect(test.told('takes no more messages')).toBe(true);
    const subscription = await member(transport, seen.handle);
    await eventually(() => seen.distinct >= 20);
    await test.ctl('set_vm_memory_high_watermark', '0.4');
    await sendAll(transport, 22, 1);
    await eventually(() => seen.numbers.has(22));
    await subscription.close();
    expect(test.told('connection to RabbitMQ was lost')).toBe(false);
  });

  it('takes more at once than its socket does', async () => {
    const transport = await test.declared();
    const settlements = await transport.publish(range(0, 5_000));
    expect(settlements.filter(({ stored }) => stored)).toHaveLength(5_000);
    expect(await transport.backlog('g')).toBe(5_000);
  });

  it('delivers whatever others have put into headers and body', async () => {
    const transport = await test.declared();
    const channel = await foreign.createConfirmChannel();
    const exchange = `${test.prefix}order-events`;
    const send = (body: string, options: object) =>
      channel.publish(exchange, `${test.prefix}things`, Buffer.from(body), options);
    send('', {});
    send('{"a":1}', {
      contentType: 'application/json',
      headers: {
        'cloudEvents:id': 'one',
        cloudEvents_subject: 'two',
        'cloudEvents:partitionkey': 'its key',
        'x-death': [{ count: 1, queue: 'q', reason: 'expired' }],
        count: 7,
        yes: true,
        bytes: Buffer.from('bytes'),
        list: [1, { two: 'three' }],
        nothing: null,
      },
    });
    await channel.waitForConfirms();
    await channel.close();
    const messages: unknown[] = [];
    const subscription = await member(transport, async (batch) => void messages.push(...batch));
    await eventually(() => messages.length >= 2);
    await subscription.close();
    expect(messages).toEqual([
      { topic: 'things', key: '', headers: {}, body: Buffer.alloc(0) },
      {
        topic: 'things',
        key: 'its key',
        headers: {
          'content-type': 'application/json',
          'ce-id': 'one',
          'ce-subject': 'two',
          'ce-partitionkey': 'its key',
          count: '7',
          yes: 'true',
          bytes: 'bytes',
          list: '[1,{"two":"three"}]',
          nothing: 'null',
        },
        body: Buffer.from('{"a":1}'),
      },
    ]);
    expect(await transport.backlog('g')).toBe(0);
  });

  it('is read by others as CloudEvents have it over AMQP', async () => {
    const transport = await test.declared();
    const event = { ...numbered(1), headers: { 'ce-id': 'one', 'content-type': 'application/json', other: 'x' } };
    expect(await transport.publish([event])).toEqual([stored]);
    const channel = await foreign.createChannel();
    const got = await channel.get(`${test.prefix}g`, { noAck: true });
    await channel.close();
    expect(got && got.properties).toMatchObject({
      contentType: 'application/json',
      deliveryMode: 2,
      headers: { 'cloudEvents:id': 'one', 'order-events-key': event.key, other: 'x' },
    });
  });

  it('gives a rejected message back again and again, each time later, and never drops it', async () => {
    const transport = await test.declared();
    const calls: number[] = [];
    let accept = false;
    const subscription = await member(transport, () => {
      calls.push(performance.now());
      return accept ? Promise.resolve() : Promise.reject(new Error('not now'));
    });
    await sendAll(transport, 0, 1);
    await eventually(() => calls.length === 5);
    accept = true;
    await eventually(() => calls.length === 6);
    const waits = calls.slice(1).map((at, index) => at - calls[index]!);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThan(95 * 2 ** index);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
    // Neither an acknowledgement too many nor one on the wrong channel, which would have ended the channel.
    expect(test.errors.map(({ message }) => message)).toEqual(Array(5).fill('not now'));
  });

  it('keeps a message that was given back more often than any default limit', async () => {
    const transport = await test.declared();
    await sendAll(transport, 0, 1);
    const channel = await foreign.createChannel();
    for (let times = 0; times < 50; times++) {
      const got = await channel.get(`${test.prefix}g`);
      if (!got) throw new Error(`it was gone after ${times} times`);
      channel.nack(got);
    }
    await channel.close();
    await eventually(async () => (await transport.backlog('g')) === 1);
  });

  it('counts what waits and what is in hand', async () => {
    const transport = await test.declared();
    await sendAll(transport, 0, 30);
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const handle = (batch: Parameters<typeof seen.handle>[0]) => seen.handle(batch).then(() => finished);
    const subscription = await member(transport, handle, { inFlight: 10 });
    await eventually(() => seen.distinct > 0);
    expect(await transport.backlog('g')).toBe(30);
    // Of what is in the hands of another process nobody tells it.
    expect(await test.open().backlog('g')).toBe(20);
    finish();
    await subscription.close();
  });

  it('is passed over where it is not there, when there are several addresses', async () => {
    await test.declared();
    const transport = test.open(`amqp://127.0.0.1:1,${test.url}`);
    await sendAll(transport, 0, 10);
    await expect(transport.ping()).rejects.toThrow('ECONNREFUSED');
    await transport.ping();
  });

  it('refuses to declare a group whose queue is of another kind', async () => {
    const channel = await foreign.createChannel();
    await channel.assertQueue(`${test.prefix}g`, { durable: true });
    await channel.close();
    await expect(test.declared()).rejects.toThrow("inequivalent arg 'x-queue-type'");
  });

  it('hands over nothing acknowledged first of which the queue has not answered', async () => {
    const transport = await test.declared();
    const channel = await foreign.createChannel();
    const answer = jest.spyOn(Object.getPrototypeOf(channel) as typeof channel, 'checkQueue');
    answer.mockRejectedValueOnce(new Error('no answer'));
    await channel.close();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { acknowledgeFirst: true });
    await sendAll(transport, 0, 1);
    await eventually(() => test.told('no answer'));
    await sendAll(transport, 1, 1);
    await eventually(() => seen.total > 0);
    await subscription.close();
    answer.mockRestore();
    // The broker had heard of it, after all.
    expect([...seen.numbers]).toEqual([1]);
    expect(await transport.backlog('g')).toBe(0);
  });
});
