import { brokerAtFault, describeBroker, privateBroker, transportFaults } from '@order-events/testing';
import { NatsTransport } from './transport';

describeBroker('nats', () => {
  transportFaults('NatsTransport', async () => ({
    ...(await brokerAtFault(await privateBroker('nats'))),
    connect: ({ address, ...rest }) =>
      new NatsTransport({ url: `nats://${address}`, applicationName: 'test', ...rest }),
  }));
});
