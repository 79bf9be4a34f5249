import { describeBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { putRecord } from '../test/other-program';
import { SESSION_MS } from './topology';
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
      put: (topic, body) => putRecord(env.KAFKA_BROKERS!, env.TOPIC_PREFIX! + topic, body),
      claimMs: SESSION_MS,
      close: () => Promise.resolve(),
    };
  });
});
