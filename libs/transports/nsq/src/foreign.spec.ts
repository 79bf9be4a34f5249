import { randomUUID } from 'node:crypto';
import { describeBroker, foreignConformance, sharedBroker } from '@order-events/testing';
import { NsqForeign } from './foreign';

describeBroker('nsq', () => {
  const open = async () => {
    const { env } = await sharedBroker('nsq');
    const topic = randomUUID();
    const options = {
      nsqdAddresses: env.NSQD_ADDRESSES!,
      nsqlookupdAddresses: env.NSQLOOKUPD_ADDRESSES!,
      applicationName: 'test',
      onError: () => {},
    };
    return { connect: () => new NsqForeign(options, topic), close: () => Promise.resolve() };
  };
  foreignConformance('NsqForeign', open, false);
});
