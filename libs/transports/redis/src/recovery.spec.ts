import { brokerAtFault, describeBroker, privateBroker, transportFaults } from '@order-events/testing';
import { RedisTransport } from './transport';

describeBroker('redis', () => {
  transportFaults('RedisTransport', async () => ({
    ...(await brokerAtFault(await privateBroker('redis'))),
    connect: ({ address, ...rest }) =>
      new RedisTransport({ url: `redis://${address}`, applicationName: 'test', ...rest }),
  }));
});
