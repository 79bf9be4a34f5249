import { describeBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { RabbitmqTransport } from './transport';

describeBroker('rabbitmq', () => {
  transportConformance('RabbitmqTransport', async () => {
    const { env } = await sharedBroker('rabbitmq');
    return {
      connect: () =>
        new RabbitmqTransport({
          url: env.AMQP_URL!,
          applicationName: 'test',
          prefix: env.TOPIC_PREFIX!,
          onError: (error) => process.env.DEBUG_RABBITMQ && console.error(error),
        }),
      close: () => Promise.resolve(),
    };
  });
});
