import { brokerAtFault, describeBroker, privateBroker, transportFaults } from '@order-events/testing';
import { NsqTransport } from './transport';

describeBroker('nsq', () => {
  transportFaults('NsqTransport', async () => {
    const broker = await privateBroker('nsq', { brokers: 1 });
    const atFault = await brokerAtFault(broker);
    return {
      ...atFault,
      connect: ({ address, ...rest }) => {
        // Which would tell the way past the proxy.
        const nsqlookupdAddresses = address === atFault.direct ? broker.env.NSQLOOKUPD_ADDRESSES! : '';
        return new NsqTransport({ nsqdAddresses: address, nsqlookupdAddresses, applicationName: 'test', ...rest });
      },
      // What two members with room for forty have in hand, and what is on its way from the topic to the channel.
      lostPerKill: 2 * 40 + 1,
    };
  });
});
