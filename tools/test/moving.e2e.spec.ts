import { describeBroker, eventually, privateBroker } from '@order-events/testing';
import { client, emptyLedger } from '../src/chaos/load';
import { outcomes } from '../src/chaos/orders';
import { repetitions } from '../src/chaos/repetitions';
import { atRest } from '../src/chaos/rest';
import { programs, type System } from '../src/start';
import { holds, report } from '../src/verify';
import { killed } from './customer';
import { testSystem } from './test-system';

const environment = { ...process.env };
afterEach(() => {
  process.env = environment;
});

/** As a cluster would: the setups first, then one replica of each service after the other, while the others work. */
async function deploy(system: System, settings: Readonly<Record<string, string>>): Promise<void> {
  process.env = { ...process.env, ...settings };
  await system.setUp();
  const instances = system.instances.filter(({ service }) => service.replicated);
  for (const turn of [0, 1]) {
    const these = instances.filter(({ replica }) => replica === turn);
    await Promise.all(these.map(({ name }) => killed(system, name, 'SIGTERM')));
  }
}

/** What waits on one transport, as each replica of each service tells it in its metrics. */
async function backlogs(system: System, transport: string): Promise<(string | undefined)[]> {
  return Promise.all(
    system.operatorUrls.map(async (url) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return text.match(
        new RegExp(`^order_events_backlog{transport="${transport}",service="[^"]*"} (\\d+)$`, 'm'),
      )?.[1];
    }),
  );
}

describeBroker('nsq', () => {
  describeBroker('nats', () => {
    // docs/transports/moving.md tells this, step by step.
    test('a running system moves from NSQ to NATS under load, and loses nothing', async () => {
      const [nsq, nats] = await Promise.all([privateBroker('nsq'), privateBroker('nats')]);
      process.env = { ...environment, ...nsq.env, ...nats.env, TRANSPORT: 'nsq' };
      const { system, remove, lines } = await testSystem({ programs, replicas: 2 });
      const [ledger, over] = [emptyLedger(), new AbortController()];
      let clients: Promise<void>[] = [];
      const moreOrders = async () => {
        const before = ledger.accepted.size;
        await eventually(() => ledger.accepted.size >= before + 50);
      };
      try {
        await system.start();
        clients = Array.from({ length: 2 }, () => client(system.apiUrls, ledger, over.signal));
        await moreOrders();
        await deploy(system, { TRANSPORT: 'nsq', TRANSPORT_ALSO_CONSUME: 'nats' });
        await moreOrders();
        await deploy(system, { TRANSPORT: 'nats', TRANSPORT_ALSO_CONSUME: 'nsq' });
        await moreOrders();
        await eventually(async () => (await backlogs(system, 'nsq')).every((backlog) => backlog === '0'));
        await deploy(system, { TRANSPORT: 'nats', TRANSPORT_ALSO_CONSUME: '' });
        await nsq.remove();
        await moreOrders();
        over.abort();
        await Promise.all(clients);

        const results = await atRest(system.databaseUrls);
        if (!holds(results)) throw new Error(report(results).join('\n'));
        expect(ledger.surprises).toEqual([]);
        expect(await outcomes(system.databaseUrls, ledger)).toMatchObject({ lost: [], broken: [] });
        // The delivery audit would have brought back what the move had lost.
        expect(await repetitions(system)).toMatchObject({ resends: 0 });
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${lines.slice(-50).join('\n')}`, { cause: error });
      } finally {
        over.abort();
        await Promise.allSettled(clients);
        await remove();
        await Promise.all([nsq.remove(), nats.remove()]);
      }
    });
  });
});
