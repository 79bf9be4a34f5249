import { describeBroker, privateBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { RedisTransport } from './transport';

const options = { applicationName: 'test', onError: () => {} };

describeBroker('redis', () => {
  transportConformance('RedisTransport', async () => {
    const { env } = await sharedBroker('redis');
    return {
      connect: () => new RedisTransport({ ...options, url: env.REDIS_URL!, prefix: env.TOPIC_PREFIX! }),
      close: () => Promise.resolve(),
    };
  });

  transportConformance('RedisTransport with TLS and a password', async () => {
    const broker = await privateBroker('redis', { secure: true });
    const tls = { caFile: broker.security!.certificate };
    return {
      connect: () => new RedisTransport({ ...options, url: broker.env.REDIS_URL!, prefix: '', tls }),
      close: () => broker.remove(),
    };
  });
});
