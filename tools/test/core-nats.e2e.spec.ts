import { loadConfig, openTransport, TRANSPORT_SETTINGS } from '@order-events/service-kit';
import { describeBroker, eventually, privateBroker } from '@order-events/testing';
import { repetitions } from '../src/chaos/repetitions';
import { programs } from '../src/start';
import { holds, report, type Result, verify } from '../src/verify';
import { Customer, items, killed } from './customer';
import { testSystem } from './test-system';

const environment = { ...process.env };
afterEach(() => {
  process.env = environment;
});

describeBroker('nats', () => {
  test('over NATS that keeps nothing, orders end once, whether a service or the server is killed', async () => {
    const broker = await privateBroker('nats', { coreOnly: true });
    process.env = { ...environment, ...broker.env, TRANSPORT: 'nats', NATS_MODE: 'core', TOPIC_PREFIX: 'e2e.' };
    const { system, remove, lines } = await testSystem({ programs });
    let results: Result[] = [];
    try {
      await system.start();
      const customer = new Customer(system);
      const ids = await customer.placeMany(20, { items: items('prod1'), email: 'a@example.com' });
      const dying = await dyingMember('inventory', 'order.created');
      while (dying.held() === 0) ids.push(...(await customer.placeMany(5, { items: items('prod1') })));
      await dying.die();
      for (const name of ['inventory', 'order-api']) {
        ids.push(...(await customer.placeMany(20, { items: items('prod2') })));
        await killed(system, name);
      }
      ids.push(...(await customer.placeMany(20, { items: items('prod3') })));
      await broker.kill();
      await broker.start();
      ids.push(...(await customer.placeMany(5, { items: items('prod4') })));
      // What was in the hands of whoever died, the delivery audit misses after half a minute.
      expect(await customer.statusesOf(ids)).toEqual(ids.map(() => 'completed'));
      await eventually(async () => holds((results = await verify(system.databaseUrls))));
      const { resends } = await repetitions(system);
      console.info(`${dying.held()} were in dying hands, the delivery audit has published ${resends} again`);
      await dying.end();
      await eventually(async () => (await backlogs(system.operatorUrls, system.operatorToken)).every((n) => n === 0));
    } catch (error) {
      const told = [(error as Error).message, ...report(results), ...lines.slice(-50)];
      throw new Error(told.join('\n'), { cause: error });
    } finally {
      await remove();
      await broker.remove();
    }
  });
});

/** One that takes what comes to a group, and never comes to handling it. */
async function dyingMember(group: string, topic: string) {
  let [held, letGo] = [0, () => {}];
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const config = loadConfig(TRANSPORT_SETTINGS, {}, process.env);
  const { transport } = openTransport(config, { applicationName: 'dying', onError: () => {}, onCoded: () => {} });
  const member = await transport.subscribe({
    ...{ group, topics: [topic], batch: 1, waitMs: 0, inFlight: 1000, parallel: 1000 },
    handle: (batch) => {
      held += batch.length;
      return gate;
    },
  });
  return {
    held: () => held,
    /** As a process that is killed, it says nothing any more; that it had what it took it has said. */
    die: async () => {
      await transport.ping();
      await transport.close();
    },
    end: () => {
      letGo();
      return member.close();
    },
  };
}

/** What `oe lag` shows of each service: what its members have in hand. */
async function backlogs(urls: readonly string[], token: string): Promise<(number | null)[]> {
  const headers = { authorization: `Bearer ${token}` };
  const lags = await Promise.all(
    urls.map((url) => fetch(`${url}/lag`, { headers }).then((response) => response.json())),
  );
  return (lags as { backlog: number | null }[]).map(({ backlog }) => backlog);
}
