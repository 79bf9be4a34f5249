import { brokerNames, type BrokerName } from '@order-events/testing';
import { compare, table, type Variant } from './compare';
import { openBench } from './database';
import { consumer, door, relay } from './pieces';
import { carriers } from './transports';

const ROUNDS = 5;

/**
 * `npm run bench`: how much faster each piece is for working in batches, side by side on a durable Postgres of its own, and
 * how fast the named brokers are beside Postgres. What counts are the ratios: the figures are this machine's.
 */
async function main(names: readonly string[]): Promise<void> {
  const brokers = brokerNames.filter((name) => names.includes(name));
  if (brokers.length !== names.length) throw new Error(`Usage: npm run bench -- [${brokerNames.join('|')}] …`);
  const database = await openBench((error) => void process.stderr.write(`${error.message}\n`));
  try {
    // First, while nothing else waits in the outbox.
    await show('outbox to broker', relay(database.store));
    await show('orders at the door', door(database.store));
    await show('events consumed', consumer(database.store));
    if (brokers.length > 0) await showCarriers(brokers, database.eventsUrl);
  } finally {
    await database.close();
  }
}

async function showCarriers(brokers: readonly BrokerName[], eventsUrl: string): Promise<void> {
  const { variants, close } = await carriers(brokers, eventsUrl);
  try {
    await show('published and consumed over', variants);
  } finally {
    await close();
  }
}

async function show(title: string, variants: readonly Variant[]): Promise<void> {
  process.stderr.write(`Measuring: ${title} …\n`);
  for (const line of table(title, await compare(variants, ROUNDS))) process.stdout.write(`${line}\n`);
  process.stdout.write('\n');
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
