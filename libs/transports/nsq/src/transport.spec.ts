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

test('says why no nsqd answers', async () => {
  const addresses = { nsqdAddresses: '127.0.0.1:1,127.0.0.1:2', nsqlookupdAddresses: '' };
  const transport = new NsqTransport({ ...addresses, applicationName: 'test', prefix: '', onError: () => {} });
  await expect(transport.ping()).rejects.toThrow(/127\.0\.0\.1:1.*; .*127\.0\.0\.1:2/);
  await transport.close();
});
