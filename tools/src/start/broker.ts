import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BrokerName,
  brokerNames,
  pidsIn,
  type PrivateBroker,
  privateBroker,
  recipes,
  removeInstance,
  speaks,
} from '@order-events/testing';
import { dockerAnswers } from '../brokers/docker';
import { down } from '../brokers/down';
import { placeOf } from '../brokers/place';
import { nativeBroker, up } from '../brokers/up';
import type { Network } from './options';
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

export interface OwnBrokers {
  /** For their data, which is thrown away. */
  directory: string;
  network: Network;
}

export interface BrokerOptions {
  portOffset: number;
  /** Of our topics, unless `TOPIC_PREFIX` says another: a broker keeps what systems with other data have left on it. */
  prefix: string;
  /** Where none is there already, nor Docker to run one, and this machine can, it is fresh, on free ports, behind that network. */
  own: OwnBrokers | undefined;
  say: (line: string) => void;
}

/** Sees to it that the brokers are there that carry the events by our environment, if there are to be any. */
export async function bringUpBrokers(options: BrokerOptions): Promise<Broker> {
  const { own, prefix } = options;
  if (own) await removeLeft(own.directory);
  const names = brokersNamedIn(process.env);
  if (names.length === 0) return noBroker;
  const brokers: Broker[] = [{ ...noBroker, env: { TOPIC_PREFIX: process.env.TOPIC_PREFIX ?? prefix } }];
  const end = async () => {
    await Promise.all(brokers.map((broker) => broker.end()));
  };
  try {
    for (const name of names) brokers.push(await bringUp(name, options));
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

async function bringUp(name: BrokerName, { portOffset, own, say }: BrokerOptions): Promise<Broker> {
  const place = placeOf(name, { ...process.env, PORT_OFFSET: String(portOffset) });
  const { env } = place;
  const wasThere = await speaks(name, env).then(
    () => true,
    () => false,
  );
  if (own && !wasThere && !place.elsewhere && recipes[name].missing() === undefined && !(await dockerAnswers()))
    return bringUpOwn(name, own, say);
  await up(place, say);
  if (wasThere) return { ...noBroker, env };
  if (Object.keys(pidsIn(place.directory)).length === 0) return { ...noBroker, env, end: () => down(place, say) };
  const broker = await nativeBroker(place, say);
  return { env, processes: supervisedParts(broker), end: () => broker.stop() };
}

/** Of a run that was killed. */
async function removeLeft(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  for (const left of readdirSync(directory)) await removeInstance(join(directory, left));
}

async function bringUpOwn(
  name: BrokerName,
  { directory, network }: OwnBrokers,
  say: (line: string) => void,
): Promise<Broker> {
  mkdirSync(directory, { recursive: true });
  say(`starting ${name} …`);
  const broker = await privateBroker(name, { directory, through: (port) => network('broker', port) });
  return { env: broker.env, processes: supervisedParts(broker), end: () => broker.remove() };
}

function supervisedParts(broker: PrivateBroker): Broker['processes'] {
  return Object.fromEntries(broker.servers.map((part) => [part, () => start(broker, part)]));
}

async function start(broker: PrivateBroker, part: string): Promise<Running> {
  await broker.start(part);
  const pid = broker.pids[part];
  if (pid === undefined) throw new Error('ended as soon as it was started');
  return { pid, exited: exited(broker, part, pid), stop: () => broker.stop() };
}

/** It is not our child, because it outlives whoever started it: nobody tells us when it ends. */
async function exited(broker: PrivateBroker, part: string, pid: number): Promise<string> {
  while (broker.pids[part] === pid) await sleep(100);
  return 'ended';
}
