import { describeBroker, privateBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { putEntry } from '../test/other-program';
import { CLAIM_MS } from './consumer';
import { RedisTransport } from './transport';

const options = { applicationName: 'test', onError: () => {} };

describeBroker('redis', () => {
  transportConformance('RedisTransport', async () => {
    const { env } = await sharedBroker('redis');
    return {
      connect: () => new RedisTransport({ ...options, url: env.REDIS_URL!, prefix: env.TOPIC_PREFIX! }),
      put: (topic, body) => putEntry(env.REDIS_URL!, `${env.TOPIC_PREFIX!}topic:${topic}`, body),
      claimMs: CLAIM_MS,
      close: () => Promise.resolve(),
    };
  });

  transportConformance('RedisTransport with TLS and a password', async () => {
    const broker = await privateBroker('redis', { secure: true });
    const tls = { caFile: broker.security!.certificate };
    return {
      connect: () => new RedisTransport({ ...options, url: broker.env.REDIS_URL!, prefix: '', tls }),
      put: (topic, body) => putEntry(broker.env.REDIS_URL!, `topic:${topic}`, body, tls.caFile),
      claimMs: CLAIM_MS,
      close: () => broker.remove(),
    };
  });
});
