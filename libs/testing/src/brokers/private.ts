import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../ports';
import { BrokerInstance, removeInstance } from './instance';
import type { BrokerName } from './recipe';
import { recipes } from './recipes';
import { runDirectory } from './run';
import type { Security } from './security';

export interface PrivateBrokerOptions {
  /** How many Kafkas, or nsqds. One Kafka and two nsqds when nothing is said; of three Kafkas two must have a record. */
  brokers?: number;
  /** Clients must use TLS and a password. */
  secure?: boolean;
  /** NATS without JetStream. */
  coreOnly?: boolean;
  /** Told a port that the broker listens on for clients, it resolves with the one at which they find it. */
  through?: (port: number) => Promise<number>;
  /** For its folder. In a test it is the test run's, which is cleared away at the end of the run whatever happens. */
  directory?: string;
}

/** A broker that nobody else uses, so that a test may kill it, cut it off and fill it. */
export interface PrivateBroker {
  name: BrokerName;
  version: string;
  /** The environment variables by which a service finds it: KAFKA_BROKERS, AMQP_URL, NATS_URL, REDIS_URL, NSQD_ADDRESSES, … */
  env: Readonly<Record<string, string>>;
  /** With `secure`: NSQ takes the password as its secret; AMQP_URL, NATS_URL and REDIS_URL hold user and password already. */
  security?: Security;
  /** Of what is alive, by part: `kafka-1`, `rabbitmq` (beam.smp itself), `nats`, `redis`, `nsqd-1`, `nsqlookupd`, and helpers. */
  readonly pids: Readonly<Record<string, number>>;
  /** The parts that carry messages, and not only help those that do. */
  readonly servers: readonly string[];
  /** kill -9 of the server processes, or of one part. Resolves when they are gone. */
  kill(part?: string): Promise<void>;
  /** Starts what is not alive, or that part, on the same data and ports. Resolves when it does its work. */
  start(part?: string): Promise<void>;
  /** Ends it in order; it can be started again. */
  stop(): Promise<void>;
  /** Ends it at once and deletes its data. */
  remove(): Promise<void>;
}

/** Starts a broker on free ports. Rejects with BrokerUnavailable when this machine cannot run it. */
export async function privateBroker(name: BrokerName, options: PrivateBrokerOptions = {}): Promise<PrivateBroker> {
  const { brokers = recipes[name].brokers, secure = false, coreOnly = false, through } = options;
  const directory = mkdtempSync(join(options.directory ?? runDirectory(), `${name}-`));
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const names = Object.keys(recipes[name].ports(brokers));
  try {
    const ports = await byName(names, freePort);
    const forClients = names.filter((port) => through && port.startsWith('client'));
    const advertised = await byName(forClients, (port) => through!(ports[port]!));
    const broker = await BrokerInstance.create({ name, directory, ports, advertised, brokers, secure, coreOnly, say });
    await broker.start();
    return broker;
  } catch (error) {
    await removeInstance(directory);
    throw error;
  }
}

async function byName(names: readonly string[], find: (name: string) => Promise<number>) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await find(name)] as const)));
}
