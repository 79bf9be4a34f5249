import { deadLettered } from '@order-events/messaging';
import { describeBroker, eventually, member, numbered, Seen, sendAll } from '@order-events/testing';
import { connect, type ChannelModel } from 'amqplib';
import { TestBroker } from '../test/broker';

const stored = { stored: true };

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

  it('knows wildcards for those who follow', async () => {
    const transport = await test.declared();
    await transport.declare([
      { topic: 'order.created', groups: ['g'] },
      { topic: 'order.paid.late', groups: ['g'] },
    ]);
    const topics: string[][] = [[], []];
    const follow = (index: number, pattern: string) =>
      member(transport, async (batch) => void topics[index]!.push(...batch.map(({ topic }) => topic)), {
        group: null,
        topics: [pattern],
      });
    const subscriptions = [await follow(0, 'order.*'), await follow(1, 'order.#')];
    const sent = ['order.paid.late', 'order.created'].map((topic, n) => ({ ...numbered(n), topic }));
    expect(await transport.publish(sent)).toEqual([stored, stored]);
    await eventually(() => topics[0]!.length >= 1 && topics[1]!.length >= 2);
    expect([topics[0], topics[1]!.sort()]).toEqual([['order.created'], ['order.created', 'order.paid.late']]);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
  });

  it('fans a topic out to all who follow it, by an exchange that ends with the last of them', async () => {
    const transport = await test.declared();
    const seen = [new Seen(), new Seen()];
    const subscriptions = await Promise.all(seen.map(({ handle }) => member(transport, handle, { group: null })));
    const exchange = `${test.prefix}order-events.followers.things`;
    const exists = async () => {
      const channel = await foreign.createChannel();
      channel.on('error', () => undefined);
      return channel.checkExchange(exchange).then(
        () => channel.close().then(() => true),
        () => false,
      );
    };
    await sendAll(transport, 0, 10);
    await eventually(() => seen.every(({ distinct }) => distinct === 10));
    await subscriptions[0]!.close();
    expect(await exists()).toBe(true);
    await sendAll(transport, 10, 10);
    await eventually(() => seen[1]!.distinct === 20);
    await subscriptions[1]!.close();
    await eventually(async () => !(await exists()));
    expect(seen.map(({ total }) => total)).toEqual([10, 20]);
    // The group has not lost its way to them.
    await sendAll(transport, 20, 1);
    expect(await transport.backlog('g')).toBe(21);
  });

  it('lets other programs take dead letters by group and kind of error', async () => {
    const transport = await test.declared();
    await transport.declare([{ topic: 'event.dead_lettered', groups: [] }]);
    const channel = await foreign.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, `${test.prefix}order-events.by-headers`, '', {
      'x-match': 'all',
      'cloudEvents:group': 'payment',
      'cloudEvents:errortype': 'TypeError',
    });
    const letters = ['payment TypeError', 'payment RangeError', 'email TypeError'].map((of, n) => {
      const [group = '', name = ''] = of.split(' ');
      const letter = { group, event_id: of, topic: 'order.paid', key: 'o1', attempts: 1, error: `${name}: no` };
      return deadLettered(letter, `id-${n}`, '/test')[0]!;
    });
    expect(await transport.publish(letters)).toEqual([stored, stored, stored]);
    expect(await channel.checkQueue(queue)).toMatchObject({ messageCount: 1 });
    const got = await channel.get(queue, { noAck: true });
    expect(got && got.properties.headers).toMatchObject({ 'cloudEvents:causationid': 'payment TypeError' });
    await channel.close();
  });
});
