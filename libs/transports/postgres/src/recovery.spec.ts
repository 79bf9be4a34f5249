import { transportFaults } from '@order-events/testing';
import { postgresAtFault } from '../test/postgres-at-fault';
import { PostgresTransport } from './transport';

const password = 'secret';

transportFaults('PostgresTransport', async () => ({
  ...(await postgresAtFault(password)),
  connect: ({ address, ...rest }) =>
    new PostgresTransport({
      url: `postgres://postgres:${password}@${address}/postgres`,
      connections: 4,
      applicationName: 'test',
      ...rest,
    }),
}));
