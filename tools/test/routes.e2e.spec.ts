import { topics } from '@order-events/contracts';
import { loadConfig, openTransport, TRANSPORT_SETTINGS } from '@order-events/service-kit';
import { describeBroker, eventually, privateBroker } from '@order-events/testing';
import { repetitions } from '../src/chaos/repetitions';
import { atRest } from '../src/chaos/rest';
import { programs, type System } from '../src/start';
import { holds, report } from '../src/verify';
import { Customer, items, killed } from './customer';
import { testSystem } from './test-system';

const environment = { ...process.env };
afterEach(() => {
  process.env = environment;
});

describeBroker('nsq', () => {
  describeBroker('nats', () => {
    test('a system whose topics go by two brokers, and one by both, completes its orders, also when one broker was away', async () => {
      const [nsq, nats] = await Promise.all([privateBroker('nsq'), privateBroker('nats')]);
      const TRANSPORT_ROUTES = 'shipment.*=nsq,payment.*=nsq,order.created=nats+nsq';
      process.env = { ...environment, ...nsq.env, ...nats.env, TRANSPORT: 'nats', TRANSPORT_ROUTES };
      const { system, remove, lines } = await testSystem({ programs });
      const followers: Follower[] = [];
      try {
        await system.start();
        for (const name of ['nats', 'nsq']) followers.push(await follower(system, name));
        const [onNats, onNsq] = followers.map(({ seen }) => seen) as [Seen, Seen];
        const customer = new Customer(system);
        const ids = await customer.placeMany(20, { items: items('prod1'), email: 'a@example.com' });
        expect(await customer.statusesOf(ids)).toEqual(ids.map(() => 'completed'));

        const everyOrder = (seen: Seen, topic: string) => ids.every((id) => seen.get(topic)?.has(id));
        await eventually(() => everyOrder(onNats, 'order.completed') && everyOrder(onNsq, 'shipment.dispatched'));
        await eventually(() => everyOrder(onNats, 'order.created') && everyOrder(onNsq, 'order.created'));
        const elsewhere = /^(shipment|payment)\./;
        expect([...onNats.keys()].filter((topic) => elsewhere.test(topic))).toEqual([]);
        expect([...onNsq.keys()].filter((topic) => !elsewhere.test(topic))).toEqual(['order.created']);
        // Whoever consumes it has had it twice.
        await eventually(async () => (await repetitions(system)).duplicates >= ids.length);

        await nsq.stop();
        ids.push(...(await customer.placeMany(20, { items: items('prod2') })));
        await nsq.start();
        expect(await customer.statusesOf(ids)).toEqual(ids.map(() => 'completed'));
        ids.push(...(await customer.placeMany(20, { items: items('prod3') })));
        await killed(system, 'inventory');
        expect(await customer.statusesOf(ids)).toEqual(ids.map(() => 'completed'));
        const results = await atRest(system.databaseUrls);
        if (!holds(results)) throw new Error(report(results).join('\n'));
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${lines.slice(-50).join('\n')}`, { cause: error });
      } finally {
        await Promise.all(followers.map(({ close }) => close()));
        await remove();
        await Promise.all([nsq.remove(), nats.remove()]);
      }
    });
  });
});

/** The orders that something has come of, by topic. */
type Seen = ReadonlyMap<string, ReadonlySet<string>>;

interface Follower {
  seen: Seen;
  close(): Promise<void>;
}

/** Follows all topics of the system on one broker. */
async function follower(system: System, name: string): Promise<Follower> {
  const env = { ...system.transportEnv, TRANSPORT: name, TRANSPORT_ROUTES: '' };
  const config = loadConfig(TRANSPORT_SETTINGS, {}, env);
  const { transport } = openTransport(config, { applicationName: 'follower', onError: () => {}, onCoded: () => {} });
  const seen = new Map<string, Set<string>>();
  const subscription = await transport.subscribe({
    ...{ group: null, topics, batch: 100, waitMs: 0, inFlight: 1000, parallel: 1 },
    handle: (batch) => {
      for (const { topic, key } of batch) seen.set(topic, (seen.get(topic) ?? new Set()).add(key));
      return Promise.resolve();
    },
  });
  return { seen, close: () => subscription.close().then(() => transport.close()) };
}
