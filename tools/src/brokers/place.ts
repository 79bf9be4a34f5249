import { join } from 'node:path';
import {
  addressesIn,
  type BrokerEnv,
  type BrokerName,
  brokerVariables,
  cacheDirectory,
  recipes,
} from '@order-events/testing';

/** Where a broker is to be found, or to be started. */
export interface Place {
  name: BrokerName;
  /** What its variables say, or would say about one that this command starts. */
  env: Readonly<Record<string, string>>;
  /** For one that this command starts, by use. */
  ports: Readonly<Record<string, number>>;
  /** For everything that belongs to that one. */
  directory: string;
  /** Why none can be started: the variables name another address. */
  elsewhere?: string;
}

/** The folder in which each broker that was started here has its own. */
const placesDirectory = join(cacheDirectory, 'up');

/**
 * @param env KAFKA_BROKERS, AMQP_URL, NATS_URL, REDIS_URL, NSQD_ADDRESSES, NSQLOOKUPD_ADDRESSES where the broker is not at its usual
 *   port of 127.0.0.1, and PORT_OFFSET, which is added to the usual ports. Throws on a bad one.
 */
export function placeOf(name: BrokerName, env: BrokerEnv): Place {
  const offset = portOffset(env);
  const { brokers, ports: usual } = recipes[name];
  const ports = Object.fromEntries(Object.entries(usual(brokers)).map(([use, port]) => [use, port + offset]));
  const own = ownEnv(name, ports);
  const wanted = Object.fromEntries(
    brokerVariables[name].map((variable) => [variable, env[variable] || own[variable]!]),
  );
  const other = brokerVariables[name].find((variable) => !sameAddresses(wanted[variable]!, own[variable]!));
  return {
    name,
    env: wanted,
    ports,
    directory: join(placesDirectory, offset === 0 ? name : `${name}+${offset}`),
    ...(other && {
      elsewhere:
        `${other} says ${shown(wanted[other]!)}, where no ${name} answers, and one can only be started at ` +
        `${shown(own[other]!)}. Start it yourself, or unset ${other} (PORT_OFFSET moves the ports).`,
    }),
  };
}

function portOffset({ PORT_OFFSET = '0' }: BrokerEnv): number {
  const offset = Number(PORT_OFFSET);
  // The highest of the usual ports is RabbitMQ's 15672.
  if (Number.isInteger(offset) && offset >= 0 && offset <= 49_000) return offset;
  throw new Error('PORT_OFFSET must be a whole number from 0 to 49000.');
}

/** The addresses alone: a URL may hold a password. */
const shown = (list: string) =>
  addressesIn(list)
    .map(({ host, port }) => `${host}:${port}`)
    .join(',');

export const addressOf = ({ name, env }: Place) => shown(env[brokerVariables[name][0]!]!);

const sameAddresses = (one: string, other: string) => loopback(shown(one)) === loopback(shown(other));
const loopback = (list: string) => list.replaceAll('localhost:', '127.0.0.1:');

function ownEnv(name: BrokerName, ports: Readonly<Record<string, number>>): Record<string, string> {
  const port = (use: string) => ports[use]!;
  // Only what it prints is of interest here, so that the recipe alone knows how a broker is found.
  return recipes[name].layout({ directory: '', programs: '', port, advertised: port, brokers: recipes[name].brokers })
    .env;
}
