import { describeBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  transportConformance('KafkaTransport', async () => {
    const { env } = await sharedBroker('kafka');
    return {
      connect: () =>
        new KafkaTransport({
          brokers: env.KAFKA_BROKERS!,
          applicationName: 'test',
          prefix: env.TOPIC_PREFIX!,
          onError: (error) => process.env.DEBUG_KAFKA && console.error(error),
        }),
      close: () => Promise.resolve(),
    };
  });
});
