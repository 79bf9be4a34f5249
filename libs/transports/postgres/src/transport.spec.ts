import { transportConformance } from '@order-events/testing';
import { TestLog } from '../test/test-log';

transportConformance('PostgresTransport', async () => {
  const log = await TestLog.create();
  return { connect: () => log.open('test.'), close: () => log.remove() };
});
