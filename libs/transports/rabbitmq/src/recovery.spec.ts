import { brokerAtFault, describeBroker, transportFaults } from '@order-events/testing';
import { TestBroker } from '../test/broker';
import { RabbitmqTransport } from './transport';

describeBroker('rabbitmq', () => {
  transportFaults('RabbitmqTransport', async () => {
    const test = await TestBroker.start();
    return {
      ...(await brokerAtFault(test.broker)),
      connect: ({ address, ...rest }) =>
        new RabbitmqTransport({ url: `amqp://guest:guest@${address}`, applicationName: 'test', ...rest }),
      // RabbitMQ forgets a quorum queue, and all that is in it, when it is killed within half a second of declaring it.
      declarationsAreKept: async () => void (await test.ctl('eval', 'dets:sync(ra_directory_reverse).')),
    };
  });
});
