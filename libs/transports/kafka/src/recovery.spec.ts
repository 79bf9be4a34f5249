import { describeBroker, transportFaults } from '@order-events/testing';
import { ProxiedBroker } from '../test/proxied-broker';
import { KafkaTransport } from './transport';

describeBroker('kafka', () => {
  transportFaults('KafkaTransport', async () => {
    const { broker, proxy, direct } = await ProxiedBroker.start();
    return {
      ...{ broker, proxy, direct },
      connect: ({ address, ...rest }) => new KafkaTransport({ brokers: address, applicationName: 'test', ...rest }),
    };
  });
});
