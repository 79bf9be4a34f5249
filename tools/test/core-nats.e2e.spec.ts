import { describeBroker, eventually, privateBroker } from '@order-events/testing';
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
    process.env = { ...environment, ...broker.env, TRANSPORT: 'nats', NATS_MODE: 'core' };
    const { system, remove, lines } = await testSystem({ programs });
    let results: Result[] = [];
    try {
      await system.start();
      const customer = new Customer(system);
      const ids = await customer.placeMany(20, { items: items('prod1'), email: 'a@example.com' });
      for (const name of ['inventory', 'order-api']) {
        ids.push(...(await customer.placeMany(20, { items: items('prod2') })));
        await killed(system, name);
      }
      ids.push(...(await customer.placeMany(20, { items: items('prod3') })));
      await broker.kill();
      await broker.start();
      ids.push(...(await customer.placeMany(5, { items: items('prod4') })));
      // What was in the hands of whoever was killed, the delivery audit misses after half a minute.
      expect(await customer.statusesOf(ids)).toEqual(ids.map(() => 'completed'));
      await eventually(async () => holds((results = await verify(system.databaseUrls))));
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

/** What `oe lag` shows of each service: what its members have in hand. */
async function backlogs(urls: readonly string[], token: string): Promise<(number | null)[]> {
  const headers = { authorization: `Bearer ${token}` };
  const lags = await Promise.all(
    urls.map((url) => fetch(`${url}/lag`, { headers }).then((response) => response.json())),
  );
  return (lags as { backlog: number | null }[]).map(({ backlog }) => backlog);
}
