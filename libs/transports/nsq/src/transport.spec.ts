import { describeBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { NsqTransport } from './transport';

describeBroker('nsq', () => {
  transportConformance('NsqTransport', async () => {
    const { env } = await sharedBroker('nsq');
    return {
      connect: () =>
        new NsqTransport({
          nsqdAddresses: env.NSQD_ADDRESSES!,
          nsqlookupdAddresses: env.NSQLOOKUPD_ADDRESSES!,
          applicationName: 'test',
          prefix: env.TOPIC_PREFIX!,
          onError: () => {},
        }),
      close: () => Promise.resolve(),
    };
  });
});
