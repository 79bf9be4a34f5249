import { describeBroker, sharedBroker, transportConformance } from '@order-events/testing';
import { putBody } from '../test/other-program';
import { CLAIM_MS } from './connection';
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
      put: (topic, body) => putBody(env.NSQLOOKUPD_ADDRESSES!, env.TOPIC_PREFIX! + topic, body),
      refusesEmpty: true,
      claimMs: CLAIM_MS,
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
