import { describeBroker, privateBroker, transportConformance } from '@order-events/testing';
import { putRecord } from '../test/other-program';
import { SESSION_MS } from './topology';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  transportConformance('KafkaTransport with TLS and a password', async () => {
    const broker = await privateBroker('kafka', { secure: true });
    const { user, password, certificate } = broker.security!;
    const sasl = { mechanism: 'plain' as const, username: user, password };
    return {
      connect: () =>
        new KafkaTransport({
          brokers: broker.env.KAFKA_BROKERS!,
          tls: { caFile: certificate },
          sasl,
          applicationName: 'test',
          prefix: 'test.',
          onError: () => {},
        }),
      put: (topic, body) => putRecord(broker.env.KAFKA_BROKERS!, `test.${topic}`, body, { caFile: certificate, sasl }),
      claimMs: SESSION_MS,
      close: () => broker.remove(),
    };
  });
});
