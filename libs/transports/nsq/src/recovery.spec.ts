import { brokerAtFault, describeBroker, privateBroker, transportFaults } from '@order-events/testing';
import { NsqTransport } from './transport';

describeBroker('nsq', () => {
  transportFaults('NsqTransport', async () => ({
    ...(await brokerAtFault(await privateBroker('nsq', { brokers: 1 }))),
    connect: ({ address, ...rest }) =>
      new NsqTransport({ nsqdAddresses: address, nsqlookupdAddresses: '', applicationName: 'test', ...rest }),
    // What two members with room for forty have in hand, and what is on its way from the topic to the channel.
    lostPerKill: 2 * 40 + 1,
  }));
});
