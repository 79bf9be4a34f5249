import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { topics, topology, type OrderBody } from '@order-events/contracts';
import { encode, systemRuntime } from '@order-events/messaging';
import { createLogger, loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { startNest } from '@order-events/service-kit/nest';
import { migrate } from '@order-events/store/migrate';
import { eventually, freePort, orderBody, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import { SMTPServer } from 'smtp-server';
import type { Mails } from '../src/domain';
import { emailModule } from '../src/email.module';
import { database } from './database';

const NOBODY = 'nobody@example.com';
const TOKEN = 'a token that is long enough';

let own: TestDatabase;
let events: TestDatabase;
let outside: PostgresTransport;
let smtp: SMTPServer;
let operatorPort: number;
const errors: Error[] = [];

beforeEach(async () => {
  [own, events] = [await testDatabase(), await testDatabase()];
  await database.migrate(own.url);
  await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
  const onError = (error: Error) => void errors.push(error);
  const { url } = events;
  outside = new PostgresTransport({ url, connections: 1, applicationName: 'test', prefix: '', onError });
  await outside.declare(topics.map((topic) => ({ topic, groups: topology[topic].consumers })));
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo: ({ address }, _session, done) =>
      address === NOBODY ? done(Object.assign(new Error('No such mailbox'), { responseCode: 550 })) : done(),
    onData: (stream, _session, done) => void stream.on('end', done).resume(),
  });
  await once(smtp.listen(0, '127.0.0.1'), 'listening');
  operatorPort = await freePort();
});
afterEach(async () => {
  await new Promise<void>((closed) => smtp.close(() => closed()));
  await outside.close();
  await Promise.all([own.drop(), events.drop()]);
  expect(errors.splice(0)).toEqual([]);
});

/** Starts the service as its `main.ts` does; resolves with how to stop it. */
function start(): Promise<() => Promise<void>> {
  const { port } = smtp.server.address() as AddressInfo;
  const config = loadConfig(
    [...SERVICE_SETTINGS, 'SMTP_URL', 'MAIL_FROM'],
    { OPERATOR_PORT: operatorPort },
    {
      ...{ DATABASE_URL: own.url, EVENTS_DATABASE_URL: events.url },
      ...{ SMTP_URL: `smtp://127.0.0.1:${port}`, OPERATOR_TOKEN: TOKEN },
    },
  );
  return startNest(emailModule(config, createLogger('email', 'silent')), createLogger('email', 'silent'));
}

/** Publishes that these orders were created. */
async function created(...orders: OrderBody[]): Promise<void> {
  const messages = orders.map((data) =>
    encode({ type: 'order.created', subject: data.order_id, sequence: 1, data }, systemRuntime.eventId(), {
      source: '/order-api',
    }),
  );
  expect(await outside.publish(messages)).toEqual(orders.map(() => ({ stored: true })));
}

/** What became of the mails, once the outside has answered for as many. */
async function answered(count: number): Promise<Pick<Mails, 'order_id' | 'received' | 'refusals'>[]> {
  return withClient(own.url, async (client) => {
    await eventually(async () => {
      const { rows } = await client.query(`SELECT FROM mails WHERE received IN ('sent', 'refused')`);
      return rows.length === count;
    });
    return (await client.query('SELECT order_id, received, refusals FROM mails ORDER BY order_id')).rows;
  });
}

const connections = () =>
  new Promise<number>((resolve, reject) =>
    smtp.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );

test('an order is told of by mail, and why one was refused is in its row', async () => {
  const stop = await start();
  await created(orderBody('o1', { email: 'a@example.com' }), orderBody('o2', { email: NOBODY }));
  expect(await answered(2)).toEqual([
    { order_id: 'o1', received: 'sent', refusals: {} },
    { order_id: 'o2', received: 'refused', refusals: { received: '550 No such mailbox' } },
  ]);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const shown = await fetch(`http://127.0.0.1:${operatorPort}/orders/o2`, { headers });
  expect(await shown.json()).toMatchObject({ order_id: 'o2', recipient: NOBODY, received: 'refused', completed: null });
  await stop();
});

test('a service that has stopped keeps no connection to the mail server', async () => {
  const stop = await start();
  await created(orderBody('o1', { email: 'a@example.com' }));
  await answered(1);
  expect(await connections()).toBe(1);
  await stop();
  await eventually(async () => (await connections()) === 0);
});
