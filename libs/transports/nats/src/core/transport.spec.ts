import { describeBroker, privateBroker, transportConformance } from '@order-events/testing';
import { putBody } from '../../test/other-program';
import { KnownTopology } from './topology';
import { CoreNatsTransport } from './transport';

describeBroker('nats', () => {
  transportConformance('CoreNatsTransport', async () => {
    const broker = await privateBroker('nats', { coreOnly: true });
    const topology = new KnownTopology();
    const options = {
      url: broker.env.NATS_URL!,
      prefix: 'test.',
      applicationName: 'test',
      onError: () => {},
      topology,
    };
    return {
      connect: () => new CoreNatsTransport(options),
      put: (topic, body) => putBody(options.url, options.prefix + topic, body),
      close: () => broker.remove(),
    };
  });
});
