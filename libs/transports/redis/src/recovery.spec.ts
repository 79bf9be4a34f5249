import { brokerAtFault, describeBroker, transportFaults } from '@order-events/testing';
import { RedisTransport } from './transport';

describeBroker('redis', () => {
  transportFaults('RedisTransport', async () => ({
    ...(await brokerAtFault('redis')),
    connect: ({ address, ...rest }) =>
      new RedisTransport({ url: `redis://${address}`, applicationName: 'test', ...rest }),
  }));
});
