import { randomUUID } from 'node:crypto';
import { BRIDGE, isReader } from '@order-events/store';
import { describeBroker, eventually, sharedBroker } from '@order-events/testing';
import { connect, type NatsConnection } from 'nats';
import { setUpBridge } from '../src/bridge/set-up';
import { bridgeConfig, runningBridge } from './running-bridge';
import { OrderApi } from './start-order-api';

describeBroker('nats', () => {
  let api: OrderApi;
  let theirs: NatsConnection;
  let env: Record<string, string>;
  beforeEach(async () => {
    api = await OrderApi.start();
    env = { ...(await sharedBroker('nats')).env };
    theirs = await connect({ servers: env.NATS_URL!.replace('nats://', '') });
  });
  afterEach(async () => {
    await theirs.close();
    await api.close();
  });

  const configOf = (bridge: Record<string, string>) => bridgeConfig(api, { ...env, ...bridge });
  const setUp = (bridge: Record<string, string>) => setUpBridge(api.store.database, configOf(bridge));
  const running = (bridge: Record<string, string>) => runningBridge(api, configOf(bridge));

  test('waits for its setup, then takes in and lets out, and leaves nothing open', async () => {
    const [from, to] = [`in.${randomUUID()}`, `out.${randomUUID()}`];
    const bridge = { BRIDGE_IN: `nats:${from}`, BRIDGE_OUT: `nats:${to}` };
    const told: string[] = [];
    theirs.subscribe(to, { callback: (_, msg) => void told.push(msg.string()) });
    const { failures, end } = running(bridge);
    await eventually(async () => (await failures('bridge in')) > 0 && (await failures('bridge out')) > 0);
    await setUp(bridge);
    await setUp(bridge);
    const order = { order_id: 'o1', user_id: 'u1', product_ids: ['prod1'], timestamp: 1_700_000_000 };
    theirs.publish(from, JSON.stringify(order));
    theirs.publish(from, 'garbage');
    await eventually(() => told.length === 1);
    expect(JSON.parse(told[0]!)).toEqual(order);
    expect(await api.order('o1')).toMatchObject({ status: 'pending' });
    await eventually(async () => (await api.sql(`SELECT 1 FROM inbox WHERE state = 'dead'`)).length === 1);

    const by = { limit: 1, actor: 'me', reason: 'a test' };
    await api.store.deadLetters.redrive({ group: 'bridge' }, by);
    const tries = () =>
      api.sql(`SELECT attempts FROM failures JOIN inbox USING (id) WHERE state = 'dead' AND due_at IS NULL`);
    await eventually(async () => (await tries()).length === 1);
    await end();
  });

  test('a process that is to end before there was anything to read ends', async () => {
    const { failures, end } = running({ BRIDGE_IN: `nats:${randomUUID()}`, BRIDGE_OUT: `nats:${randomUUID()}` });
    await eventually(async () => (await failures('bridge in')) > 0);
    await end();
  });

  test('setup keeps a place in the outbox as long as orders go out, and none when they do not', async () => {
    const { database } = api.store;
    await setUp({});
    expect(await isReader(database, BRIDGE)).toBe(false);
    await setUp({ BRIDGE_OUT: `nats:${randomUUID()}` });
    expect(await isReader(database, BRIDGE)).toBe(true);
    await setUp({ BRIDGE_IN: `nats:${randomUUID()}` });
    expect(await isReader(database, BRIDGE)).toBe(false);
  });
});
