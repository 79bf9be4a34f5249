import { describeBroker, privateBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { putBody } from '../test/other-program';
import { ACK_WAIT_MS } from './topology';
import { NatsTransport } from './transport';

const options = { applicationName: 'test', onError: () => {} };

describeBroker('nats', () => {
  transportConformance('NatsTransport', async () => {
    const { env } = await sharedBroker('nats');
    return {
      connect: () => new NatsTransport({ ...options, url: env.NATS_URL!, prefix: env.TOPIC_PREFIX! }),
      put: (topic, body) => putBody(env.NATS_URL!, env.TOPIC_PREFIX! + topic, body),
      claimMs: ACK_WAIT_MS,
      close: () => Promise.resolve(),
    };
  });

  transportConformance('NatsTransport with TLS and a password', async () => {
    const broker = await privateBroker('nats', { secure: true });
    const tls = { caFile: broker.security!.certificate };
    return {
      connect: () => new NatsTransport({ ...options, url: broker.env.NATS_URL!, prefix: '', tls }),
      put: (topic, body) => putBody(broker.env.NATS_URL!, topic, body, tls.caFile),
      claimMs: ACK_WAIT_MS,
      close: () => broker.remove(),
    };
  });
});
