import { brokerAtFault, describeBroker, privateBroker, transportFaults } from '@order-events/testing';
import { KnownTopology } from './topology';
import { CoreNatsTransport } from './transport';

describeBroker('nats', () => {
  transportFaults('CoreNatsTransport', async () => {
    const topology = new KnownTopology([{ topic: 'things', groups: ['g'] }]);
    return {
      ...(await brokerAtFault(await privateBroker('nats', { coreOnly: true }))),
      connect: ({ address, ...rest }) =>
        new CoreNatsTransport({ url: `nats://${address}`, applicationName: 'test', topology, ...rest }),
    };
  });
});
