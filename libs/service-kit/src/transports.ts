import { RoutedTransport, type Transport } from '@order-events/messaging';
import type { Dropped } from '@order-events/store';
import type { Config } from './config/settings';
import { reached } from './config/reached';
import { consumedFrom, publishedTo, type TransportName } from './config/transports';

/** The settings that say what carries the events, and how it is reached. */
export const TRANSPORT_SETTINGS = [
  'TRANSPORT',
  'TRANSPORT_ROUTES',
  'TRANSPORT_ALSO_CONSUME',
  'TOPIC_PREFIX',
  'EVENTS_DATABASE_URL',
  'KAFKA_BROKERS',
  'KAFKA_SECURITY_PROTOCOL',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'AMQP_URL',
  'NATS_URL',
  'NSQD_ADDRESSES',
  'NSQLOOKUPD_ADDRESSES',
  'NSQ_TLS',
  'NSQ_AUTH_SECRET',
  'BROKER_CA_FILE',
  'BROKER_CERT_FILE',
  'BROKER_KEY_FILE',
] as const;
export type TransportConfig = Config<(typeof TRANSPORT_SETTINGS)[number]>;

export interface Surroundings {
  /** Shown by the broker. */
  applicationName: string;
  /** Something failed in the background and is tried again. */
  onError(error: Error): void;
}

/** The transport to one broker, which may have housekeeping of its own, to be done daily and harmless to do more often. */
export type Part = Transport & {
  makePartitions?(): Promise<void>;
  /** Forgets what was published more than so many days ago, and every group has read. */
  forgetLog?(days: number): Promise<Dropped>;
};

export interface OpenTransport {
  /** What carries the events. */
  transport: Transport;
  /** What that consists of: the transports that the settings name. */
  parts: readonly Part[];
}

/** Opens what the settings name. Nothing is reached yet, and of the clients only those needed are loaded. */
export function openTransport(config: TransportConfig, surroundings: Surroundings): OpenTransport {
  const { onError } = surroundings;
  const names = [...consumedFrom(config).keys()];
  const open = (name: TransportName) => {
    const told = (error: Error) => onError(new Error(`${name}: ${error.message}`, { cause: error }));
    const isOne = names.length === 1;
    return openers[name](config, { ...surroundings, onError: isOne ? onError : told, prefix: config.TOPIC_PREFIX });
  };
  const byName = new Map(names.map((name) => [name, open(name)]));
  const parts = [...byName.values()];
  const route = (topic: string) => publishedTo(config, topic).map((name) => byName.get(name)!);
  return { transport: parts.length === 1 ? parts[0]! : new RoutedTransport({ parts, route }), parts };
}

type Opener = (config: TransportConfig, common: Surroundings & { prefix: string }) => Part;

/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports -- loaded when needed */
const openers: Record<TransportName, Opener> = {
  postgres: ({ EVENTS_DATABASE_URL }, common) => {
    const { PostgresTransport } =
      require('@order-events/transport-postgres') as typeof import('@order-events/transport-postgres');
    return new PostgresTransport({ ...common, url: EVENTS_DATABASE_URL!, connections: 5 });
  },
  kafka: (config, common) => {
    const { KafkaTransport } =
      require('@order-events/transport-kafka') as typeof import('@order-events/transport-kafka');
    return new KafkaTransport({ ...common, ...reached.kafka(config) });
  },
  rabbitmq: (config, common) => {
    const { RabbitmqTransport } =
      require('@order-events/transport-rabbitmq') as typeof import('@order-events/transport-rabbitmq');
    return new RabbitmqTransport({ ...common, ...reached.rabbitmq(config) });
  },
  nats: (config, common) => {
    const { NatsTransport } = require('@order-events/transport-nats') as typeof import('@order-events/transport-nats');
    return new NatsTransport({ ...common, ...reached.nats(config) });
  },
  nsq: (config, common) => {
    const { NsqTransport } = require('@order-events/transport-nsq') as typeof import('@order-events/transport-nsq');
    return new NsqTransport({ ...common, ...reached.nsq(config) });
  },
};
/* eslint-enable */
