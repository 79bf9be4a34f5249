import { setTimeout as sleep } from 'node:timers/promises';
import { type BrokerInstance, type BrokerName, brokerNames, pidsIn, speaks } from '@order-events/testing';
import { down } from '../brokers/down';
import { placeOf } from '../brokers/place';
import { nativeBroker, up } from '../brokers/up';
import type { Running } from './supervised';

/** One, or all that a system uses. */
export interface Broker {
  /** By which services find it, and their own topics on it. */
  env: Readonly<Record<string, string>>;
  /** Its processes by name, where it was started here and not by Docker, which keeps its own alive. */
  processes: Readonly<Record<string, () => Promise<Running>>>;
  /** Ends it, unless it was there before. */
  end(): Promise<void>;
}

export const noBroker: Broker = { env: {}, processes: {}, end: () => Promise.resolve() };

/**
 * Sees to it that the brokers are there that carry the events by our environment, if there are to be any.
 * @param prefix of our topics, unless `TOPIC_PREFIX` says another: a broker keeps what systems with other data have left on it
 */
export async function bringUpBrokers(portOffset: number, prefix: string, say: (line: string) => void): Promise<Broker> {
  const names = brokersNamedIn(process.env);
  if (names.length === 0) return noBroker;
  const brokers: Broker[] = [{ ...noBroker, env: { TOPIC_PREFIX: process.env.TOPIC_PREFIX ?? prefix } }];
  const end = async () => {
    await Promise.all(brokers.map((broker) => broker.end()));
  };
  try {
    for (const name of names) brokers.push(await bringUp(name, portOffset, say));
  } catch (error) {
    await end();
    throw error;
  }
  const all = <T>(each: (broker: Broker) => Readonly<Record<string, T>>) =>
    Object.fromEntries(brokers.flatMap((broker) => Object.entries(each(broker))));
  return { env: all(({ env }) => env), processes: all(({ processes }) => processes), end };
}

/** Whatever else stands there is for the services to judge. */
export function brokersNamedIn(env: NodeJS.ProcessEnv): BrokerName[] {
  const words = [env.TRANSPORT, env.TRANSPORT_ROUTES, env.TRANSPORT_ALSO_CONSUME].join().split(/[\s,=+]+/);
  for (const address of [env.BRIDGE_IN, env.BRIDGE_OUT]) words.push(address?.split(':')[0] ?? '');
  return brokerNames.filter((name) => words.includes(name));
}

async function bringUp(name: BrokerName, portOffset: number, say: (line: string) => void): Promise<Broker> {
  const place = placeOf(name, { ...process.env, PORT_OFFSET: String(portOffset) });
  const { env } = place;
  const wasThere = await speaks(name, env).then(
    () => true,
    () => false,
  );
  await up(place, say);
  if (wasThere) return { ...noBroker, env };
  if (Object.keys(pidsIn(place.directory)).length === 0) return { ...noBroker, env, end: () => down(place, say) };
  const broker = await nativeBroker(place, say);
  return { env, processes: supervisedParts(broker), end: () => broker.stop() };
}

function supervisedParts(broker: BrokerInstance): Broker['processes'] {
  return Object.fromEntries(broker.servers.map((part) => [part, () => start(broker, part)]));
}

async function start(broker: BrokerInstance, part: string): Promise<Running> {
  await broker.start(part);
  const pid = broker.pids[part];
  if (pid === undefined) throw new Error('ended as soon as it was started');
  return { pid, exited: exited(broker, part, pid), stop: () => broker.stop() };
}

/** It is not our child, because it outlives whoever started it: nobody tells us when it ends. */
async function exited(broker: BrokerInstance, part: string, pid: number): Promise<string> {
  while (broker.pids[part] === pid) await sleep(100);
  return 'ended';
}
