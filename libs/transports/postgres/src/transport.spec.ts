import { transportConformance } from '@order-events/testing';
import { TestLog } from '../test/test-log';
import { LEASE_MS } from './membership';

transportConformance('PostgresTransport', async () => {
  const log = await TestLog.create();
  return {
    connect: () => log.open('test.'),
    put: (topic, body) => log.put(`test.${topic}`, body),
    claimMs: LEASE_MS,
    close: () => log.remove(),
  };
});
