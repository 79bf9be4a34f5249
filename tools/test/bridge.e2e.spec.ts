import { randomUUID } from 'node:crypto';
import {
  brokerNames,
  describeBroker,
  describeWhere,
  eventually,
  ForeignProgram,
  foreignProgramsMissing,
  sharedBroker,
  withClient,
  type BrokerName,
} from '@order-events/testing';
import { atRest } from '../src/chaos/rest';
import { programs, type System } from '../src/start';
import { holds, report } from '../src/verify';
import { call, killed } from './customer';
import { testSystem } from './test-system';

const environment = { ...process.env };
afterEach(() => {
  process.env = environment;
});

/** A place of its own on the broker, in its own words. */
const placeOn = (broker: BrokerName, name: string) =>
  broker === 'rabbitmq' ? `${name}_exchange/${name}_created/${name}_queue` : name;

const bare = (order_id: string, product_ids = ['prod1', 'prod2', 'prod1']) =>
  JSON.stringify({ order_id, user_id: 'user_1', product_ids, timestamp: 1_700_000_000 });

const COUNT = 200;
/** Each of them a dead letter; NSQ takes no empty body. */
const garbage = (broker: BrokerName) => [
  ...(broker === 'nsq' ? [] : ['']),
  'hello',
  Buffer.from([0, 0xff, 0xfe]),
  '{"order_id": 7}',
  bare('unknown', ['no-such-product']),
];

/** Redis has none. */
const brokers = brokerNames.filter((name) => name !== 'redis');

describe.each(brokers)('the bridge over %s', (broker) => {
  describeWhere('Go', foreignProgramsMissing(), () => {
    describeBroker(broker, () => {
      test('places what other teams publish, each once, and tells them of each order, though order-api is killed', async () => {
        const { env } = await sharedBroker(broker);
        const name = `orders_${randomUUID().slice(0, 8)}`;
        const [from, to] = [placeOn(broker, `${name}_in`), placeOn(broker, `${name}_out`)];
        const bridge = { BRIDGE_IN: `${broker}:${from}`, BRIDGE_OUT: `${broker}:${to}` };
        process.env = { ...environment, ...env, ...bridge };
        const [shop, warehouse] = [
          await ForeignProgram.at(broker, env, from),
          await ForeignProgram.at(broker, env, to),
        ];
        const { system, remove, lines } = await testSystem({ programs, replicas: 2 });
        const count = async (text: string) =>
          withClient(
            system.databaseUrls.order_api!,
            async (client) => (await client.query<{ count: string }>(text)).rows[0]!.count,
          ).then(Number);
        const ids = Array.from({ length: COUNT }, (_, number) =>
          `~${name}.${number}`.padEnd(number === 0 ? 128 : 0, '-'),
        );
        const bodies = ids.map((id) => bare(id));
        try {
          await system.start();
          const read = warehouse.read();
          const told = () =>
            new Set(read.map((body) => (JSON.parse(body.toString()) as { order_id: string }).order_id));
          await shop.write([...garbage(broker), ...bodies.slice(0, COUNT / 2), ...bodies.slice(0, 20)]);
          await eventually(async () => (await count('SELECT count(*) FROM orders')) >= COUNT / 4);
          await withClient(system.databaseUrls.order_api!, async (gate) => {
            // Nobody can place an order now: what is in hand when they die must come again.
            await gate.query('BEGIN');
            await gate.query('LOCK TABLE orders IN EXCLUSIVE MODE');
            await shop.write([...bodies.slice(COUNT / 4), ...garbage(broker)]);
            await eventually(async () => (await gate.query(WAITING)).rowCount! > 0);
            await killedAll(system);
            await gate.query('COMMIT');
          });
          await eventually(() => told().size >= COUNT / 2);
          await killedAll(system);

          await eventually(
            async () => (await count(`SELECT count(*) FROM orders WHERE status = 'completed'`)) === COUNT,
          );
          await eventually(() => told().size === COUNT);
          expect([...told()].sort()).toEqual([...ids].sort());
          expect(await count('SELECT count(*) FROM orders')).toBe(COUNT);
          const { body } = await call<{ status: string }>('GET', `${system.apiUrls[0]}/orders/${ids[0]}`);
          expect(body.status).toBe('completed');

          const dead = `FROM inbox WHERE consumer_group = 'bridge' AND state = 'dead'`;
          await eventually(async () => (await count(`SELECT count(*) ${dead}`)) === garbage(broker).length);
          await discardDeadLetters(system.operatorUrls[0]!, system.operatorToken);
          const results = await atRest(system.databaseUrls);
          if (!holds(results)) throw new Error(report(results).join('\n'));
        } catch (error) {
          throw new Error(`${(error as Error).message}\n${lines.slice(-50).join('\n')}`, { cause: error });
        } finally {
          await Promise.all([shop.end(), warehouse.end()]);
          await remove();
        }
      });
    });
  });
});

const WAITING = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass`;

async function killedAll(system: System): Promise<void> {
  await Promise.all(['order-api', 'order-api-2'].map((process) => killed(system, process)));
}

async function discardDeadLetters(orderApi: string, token: string): Promise<void> {
  const response = await fetch(`${orderApi}/dead-letters/discard`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ group: 'bridge', actor: 'test', reason: 'they were garbage' }),
  });
  expect(response.status).toBe(200);
}
