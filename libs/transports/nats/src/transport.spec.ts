import { describeBroker, privateBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { NatsTransport } from './transport';

const options = { applicationName: 'test', onError: () => {} };

describeBroker('nats', () => {
  transportConformance('NatsTransport', async () => {
    const { env } = await sharedBroker('nats');
    return {
      connect: () => new NatsTransport({ ...options, url: env.NATS_URL!, prefix: env.TOPIC_PREFIX! }),
      close: () => Promise.resolve(),
    };
  });

  transportConformance('NatsTransport with TLS and a password', async () => {
    const broker = await privateBroker('nats', { secure: true });
    const tls = { caFile: broker.security!.certificate };
    return {
      connect: () => new NatsTransport({ ...options, url: broker.env.NATS_URL!, prefix: '', tls }),
      close: () => broker.remove(),
    };
  });
});
