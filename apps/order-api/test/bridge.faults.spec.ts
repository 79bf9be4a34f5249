import type { Bare, Foreign } from '@order-events/messaging';
import { openForeign } from '@order-events/service-kit';
import { describeBroker, eventually, privateBroker, type BrokerName } from '@order-events/testing';
import { setUpBridge } from '../src/bridge/set-up';
import { bridgeConfig, runningBridge } from './running-bridge';
import { OrderApi } from './start-order-api';

const COUNT = 300;
/** An nsqd that is killed loses what is on its way to a reader, whatever its settings: docs/transports/nsq.md. */
const brokers: [BrokerName, { BRIDGE_IN: string; BRIDGE_OUT: string }][] = [
  ['kafka', { BRIDGE_IN: 'kafka:orders_in', BRIDGE_OUT: 'kafka:orders_out' }],
  ['rabbitmq', { BRIDGE_IN: 'rabbitmq:x/in/orders_in', BRIDGE_OUT: 'rabbitmq:x/out/orders_out' }],
  ['nats', { BRIDGE_IN: 'nats:orders.in', BRIDGE_OUT: 'nats:orders.out' }],
];

describe.each(brokers)('the bridge over %s', (name, addresses) => {
  describeBroker(name, () => {
    test('loses no order on either side when the broker is killed under load', async () => {
      const [broker, api] = await Promise.all([privateBroker(name), OrderApi.start()]);
      const config = bridgeConfig(api, { ...broker.env, ...addresses });
      const surroundings = { applicationName: 'others', onError: () => undefined };
      const [shop, warehouse] = Object.values(addresses).map((address) => openForeign(config, address, surroundings));
      await setUpBridge(api.store.database, config);
      await warehouse!.declare('warehouse');
      const told = new Set<string>();
      const pace = { group: 'warehouse', batch: 10, waitMs: 5, inFlight: 100, parallel: 2 };
      const reading = await warehouse!.subscribe({
        ...pace,
        handle: async (batch) => {
          for (const { body } of batch) told.add(JSON.parse(Buffer.from(body).toString()).order_id);
        },
      });
      const bridge = runningBridge(api, config);

      const ids = Array.from({ length: COUNT }, (_, number) => `order-${number}`);
      const sending = sendAll(shop!, ids);
      for (const part of [4, 2]) {
        await eventually(() => told.size >= COUNT / part / 2);
        await broker.kill();
        await broker.start();
      }
      await sending;
      await eventually(() => told.size === COUNT);
      expect([...told].sort()).toEqual([...ids].sort());
      expect(await api.count('orders')).toBe(COUNT);
      expect(await api.sql(`SELECT 1 FROM inbox WHERE state = 'dead'`)).toEqual([]);

      await bridge.end();
      await reading.close();
      await Promise.all([shop!.close(), warehouse!.close()]);
      await api.close();
      await broker.remove();
    });
  });
});

/** A few at a time, and each again until the broker has it. */
async function sendAll(shop: Foreign, ids: readonly string[]): Promise<void> {
  const bodyOf = (order_id: string) => ({ order_id, user_id: 'u1', product_ids: ['prod1'], timestamp: 1_700_000_000 });
  const waiting: Bare[] = ids.map((id) => ({ key: id, body: Buffer.from(JSON.stringify(bodyOf(id))) }));
  while (waiting.length > 0) {
    const some = waiting.splice(0, 5);
    const settlements = await shop.publish(some);
    waiting.push(...some.filter((_, index) => !settlements[index]!.stored));
  }
}
