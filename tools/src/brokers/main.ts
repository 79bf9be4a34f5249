import { type BrokerName, brokerNames } from '@order-events/testing';
import { down } from './down';
import { type Place, placeOf } from './place';
import { status, table } from './status';
import { up } from './up';

const say = (line: string) => void process.stdout.write(`${line}\n`);

const usage = `Usage: npm run brokers -- up|down|status [${brokerNames.join('|')}]`;

/** `npm run brokers`: real brokers on this machine. Exit code 1 when one of those that were asked for cannot be had. */
async function main([verb = '', ...names]: readonly string[]): Promise<void> {
  if (!names.every(isBroker)) throw new Error(usage);
  const places = (names.length > 0 ? names : brokerNames).map((name) => placeOf(name, process.env));
  switch (verb) {
    case 'up':
      return each(places, up);
    case 'down':
      return each(places, down);
    case 'status':
      for (const line of table(await Promise.all(places.map(status)))) say(line);
      return;
    default:
      throw new Error(usage);
  }
}

const isBroker = (name: string): name is BrokerName => (brokerNames as readonly string[]).includes(name);

/** One after the other; what one lacks does not keep the others from being seen to. */
async function each(places: readonly Place[], see: (place: Place, say: (line: string) => void) => Promise<void>) {
  const problems: string[] = [];
  for (const place of places) await see(place, say).catch((error: Error) => problems.push(error.message));
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
