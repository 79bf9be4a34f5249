import {
  describeBroker,
  privateBroker,
  sharedBroker,
  transportConformance,
  type TransportUnderTest,
} from '@order-events/testing';
import { putBody } from '../test/other-program';
import { HEARTBEAT_S } from './connection';
import { RabbitmqTransport, type RabbitmqTransportOptions } from './transport';

const connecting = (options: Pick<RabbitmqTransportOptions, 'url' | 'prefix' | 'tls'>): TransportUnderTest => ({
  connect: () => new RabbitmqTransport({ ...options, applicationName: 'test', onError: () => undefined }),
  put: (topic, body) => putBody(options.url, options.prefix, topic, body, options.tls?.caFile),
  claimMs: 3 * HEARTBEAT_S * 1_000,
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
