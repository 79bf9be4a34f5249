import { randomUUID } from 'node:crypto';
import { describeBroker, foreignConformance, sharedBroker } from '@order-events/testing';
import { KafkaForeign } from './foreign';

describeBroker('kafka', () => {
  foreignConformance('KafkaForeign', async () => {
    const { env } = await sharedBroker('kafka');
    const topic = randomUUID();
    const options = { brokers: env.KAFKA_BROKERS!, applicationName: 'test', onError: () => {} };
    return { connect: () => new KafkaForeign(options, topic), close: () => Promise.resolve() };
  });
});
