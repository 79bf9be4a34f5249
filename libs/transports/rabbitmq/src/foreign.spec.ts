import { randomUUID } from 'node:crypto';
import { describeBroker, foreignConformance, sharedBroker } from '@order-events/testing';
import { connect } from 'amqplib';
import { RabbitmqForeign } from './foreign';

describeBroker('rabbitmq', () => {
  const newPlace = () => ({ exchange: `x-${randomUUID()}`, routingKey: 'order_created', queue: `q-${randomUUID()}` });
  const settings = async () => {
    const { env } = await sharedBroker('rabbitmq');
    return { url: env.AMQP_URL!, applicationName: 'test', onError: () => {} };
  };

  foreignConformance('RabbitmqForeign', async () => {
    const [to, place] = [await settings(), newPlace()];
    return { connect: () => new RabbitmqForeign(to, place), close: () => Promise.resolve() };
  });

  it('is declared as other programs do, whoever comes first, and its messages have no header', async () => {
    const [to, place] = [await settings(), newPlace()];
    const foreign = new RabbitmqForeign(to, place);
    const theirs = await connect(to.url);
    const channel = await theirs.createChannel();
    const declare = async () => {
      await channel.assertExchange(place.exchange, 'direct', { durable: true });
      await channel.assertQueue(place.queue, { durable: true });
    };
    await declare();
    await foreign.declare();
    await declare();
    expect(await foreign.publish([{ key: 'k', body: Buffer.from('{}') }])).toEqual([{ stored: true }]);
    const message = await channel.get(place.queue, { noAck: true });
    expect(message && [message.properties.headers, message.properties.deliveryMode]).toEqual([{}, 2]);
    await theirs.close();
    await foreign.close();
  });

  it('a queue that is of another kind is refused with the reason', async () => {
    const [to, place] = [await settings(), newPlace()];
    const foreign = new RabbitmqForeign(to, place);
    const theirs = await connect(to.url);
    await (
      await theirs.createChannel()
    ).assertQueue(place.queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await expect(foreign.declare()).rejects.toThrow(/PRECONDITION/);
    await theirs.close();
    await foreign.close();
  });

  it('what no queue takes is not stored', async () => {
    const [to, place] = [await settings(), newPlace()];
    const foreign = new RabbitmqForeign(to, place);
    const theirs = await connect(to.url);
    await (await theirs.createChannel()).assertExchange(place.exchange, 'direct', { durable: true });
    expect(await foreign.publish([{ key: 'k', body: Buffer.from('{}') }])).toEqual([
      { stored: false, problem: 'unavailable', detail: expect.any(String) },
    ]);
    await theirs.close();
    await foreign.close();
  });
});
