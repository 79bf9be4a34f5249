import {
  describeBroker,
  privateBroker,
  sharedBroker,
  transportConformance,
  type TransportUnderTest,
} from '@order-events/testing';
import { RabbitmqTransport, type RabbitmqTransportOptions } from './transport';

const connecting = (options: Pick<RabbitmqTransportOptions, 'url' | 'prefix' | 'tls'>): TransportUnderTest => ({
  connect: () => new RabbitmqTransport({ ...options, applicationName: 'test', onError: () => undefined }),
  close: () => Promise.resolve(),
});

describeBroker('rabbitmq', () => {
  transportConformance('RabbitmqTransport', async () => {
    const { env } = await sharedBroker('rabbitmq');
    return connecting({ url: env['AMQP_URL']!, prefix: env['TOPIC_PREFIX']! });
  });

  transportConformance('RabbitmqTransport with TLS and a password', async () => {
    const broker = await privateBroker('rabbitmq', { secure: true });
    const tls = { caFile: broker.security!.certificate };
    return { ...connecting({ url: broker.env['AMQP_URL']!, prefix: 'test.', tls }), close: () => broker.remove() };
  });
});
