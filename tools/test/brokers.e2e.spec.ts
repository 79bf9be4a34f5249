import { rmSync } from 'node:fs';
import { brokerNames, describeBroker } from '@order-events/testing';
import { placeOf } from '../src/brokers/place';
import { atRest } from '../src/chaos/rest';
import { programs } from '../src/start';
import { holds, report } from '../src/verify';
import { Customer, items, killed } from './customer';
import { testSystem } from './test-system';

const environment = { ...process.env };
afterEach(() => {
  process.env = environment;
});

describe.each(brokerNames)('TRANSPORT=%s npm start', (name) => {
  describeBroker(name, () => {
    test('brings the broker up, runs orders over it, survives its end, and ends it', async () => {
      // No Docker: its engine would keep the broker alive in a way of its own.
      process.env = { ...environment, TRANSPORT: name, DOCKER_HOST: 'tcp://127.0.0.1:1' };
      const { system, portOffset, remove, lines } = await testSystem({ programs });
      const place = placeOf(name, { PORT_OFFSET: String(portOffset) });
      try {
        await system.start();
        const customer = new Customer(system);
        const first = await customer.placeMany(5, { items: items('prod1'), email: 'a@example.com' });
        expect(await customer.statusesOf(first)).toEqual(first.map(() => 'completed'));

        const parts = system.processes.filter((process) => process.startsWith(name) && process !== 'postgres');
        expect(parts).not.toEqual([]);
        for (const part of parts) {
          const ids = await customer.placeMany(10, { items: items('prod2') });
          await killed(system, part);
          const more = await customer.placeMany(5, { items: items('prod2') });
          expect(await customer.statusesOf([...ids, ...more])).toEqual([...ids, ...more].map(() => 'completed'));
        }
        const results = await atRest(system.databaseUrls);
        if (!holds(results)) throw new Error(report(results).join('\n'));
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${lines.slice(-50).join('\n')}`, { cause: error });
      } finally {
        await remove();
        for (const path of [place.directory, `${place.directory}.lock`]) rmSync(path, { recursive: true, force: true });
      }
    });
  });
});
