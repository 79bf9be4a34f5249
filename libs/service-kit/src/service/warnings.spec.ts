import { pino } from 'pino';
import { counters, eventually, type TestDatabase } from '@order-events/testing';
import { inWorlds, world } from '../../test/operated-services';
import { loadConfig } from '../config/load';
import { EventService, SERVICE_SETTINGS } from './event-service';

inWorlds();

/** Starts a service with these settings. Returns what it warns of that has this in it. */
async function warnings(of: string, settings: NodeJS.ProcessEnv = {}): Promise<() => string[]> {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const env = { ...settings, DATABASE_URL: world.own.url, EVENTS_DATABASE_URL: world.events.url };
  const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: 0 }, env);
  const service = new EventService({ service: 'order-api', tables: counters, config, log });
  world.running.push(service);
  await service.start([]);
  return () => lines.flatMap(({ level, msg }) => (level === 40 && msg.includes(of) ? [msg] : []));
}

test('a start warns of each database that does not keep what it commits, by name', async () => {
  const told = await warnings('does not keep all that is committed');
  await eventually(() => told().length === 2);
  const nameOf = ({ url }: TestDatabase) => new URL(url).pathname.slice(1);
  expect(told()).toEqual(
    [world.own, world.events].map((database) => expect.stringContaining(`the database ${nameOf(database)} `)),
  );
});

test('a start warns of an inbox that forgets before an event can be redriven for the last time', async () => {
  const told = await warnings('the inbox forgets', { INBOX_RETENTION_DAYS: '20' });
  expect(told()).toEqual([expect.stringContaining('the inbox forgets after 20 days')]);
  const asItIs = await warnings('the inbox forgets');
  expect(asItIs()).toEqual([]);
});
