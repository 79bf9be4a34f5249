import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transport } from '@order-events/messaging';
import { loadConfig, openTransport, TRANSPORT_SETTINGS } from '@order-events/service-kit';
import { brokerNames, privateBroker, type BrokerName } from '@order-events/testing';
import type { Variant } from './compare';
import { created } from './order';

const EVENTS = 2_000;
const WINDOW = 500;

/** Transports to compare, with the brokers that they need; `close` ends these. */
export interface Carriers {
  variants: Variant[];
  close(): Promise<void>;
}

/** Postgres, and a broker of its own for each that is named: events published in windows until all were consumed. */
export async function carriers(names: readonly BrokerName[], eventsUrl: string): Promise<Carriers> {
  const directory = mkdtempSync(join(tmpdir(), 'order-events-bench-'));
  const ends: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const variants: Variant[] = [];
    for (const name of ['postgres', ...names]) {
      const broker = brokerNames.find((known) => known === name);
      const started = broker && (await privateBroker(broker, { directory }));
      if (started) ends.push(() => started.remove());
      const env = { TRANSPORT: name, EVENTS_DATABASE_URL: eventsUrl, ...started?.env };
      const { transport } = openTransport(loadConfig(TRANSPORT_SETTINGS, {}, env), {
        applicationName: 'bench',
        onCoded: () => {},
        onError: (error) => void process.stderr.write(`${name}: ${error.message}\n`),
      });
      ends.push(() => transport.close());
      variants.push({ name, run: () => carry(transport) });
    }
    return { variants, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function carry(transport: Transport): Promise<number> {
  const topic = `bench.${randomUUID()}`;
  const group = `bench-${randomUUID()}`;
  await transport.declare([{ topic, groups: [group] }]);
  const events = created(EVENTS).map((event) => ({ ...event, topic }));
  const missing = new Set(events.map(({ headers }) => headers['ce-id']));
  let arrived = () => {};
  const all = new Promise<void>((resolve) => (arrived = resolve));
  const pace = { batch: 100, waitMs: 5, inFlight: 1_000, parallel: 4 };
  const subscription = await transport.subscribe({
    ...{ group, topics: [topic], ...pace },
    handle: (batch) => {
      for (const { headers } of batch) missing.delete(headers['ce-id']);
      if (missing.size === 0) arrived();
      return Promise.resolve();
    },
  });
  for (let from = 0; from < EVENTS; from += WINDOW) {
    for (const settlement of await transport.publish(events.slice(from, from + WINDOW)))
      if (!settlement.stored) throw new Error(`${transport.name} did not store an event: ${settlement.detail}`);
  }
  await all;
  await subscription.close();
  return EVENTS;
}
