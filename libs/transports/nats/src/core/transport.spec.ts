import { describeBroker, privateBroker, transportConformance } from '@order-events/testing';
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
    return { connect: () => new CoreNatsTransport(options), close: () => broker.remove() };
  });
});
