import { declarations } from '@order-events/contracts';
import { EncodingTransport, RoutedTransport, type Coding, type Transport } from '@order-events/messaging';
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
  'CODEC',
  'COMPRESSION',
  'COMPRESSION_MIN_BYTES',
  'EVENTS_DATABASE_URL',
  'KAFKA_BROKERS',
  'KAFKA_SECURITY_PROTOCOL',
  'KAFKA_SASL_MECHANISM',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'AMQP_URL',
  'NATS_URL',
  'NATS_MODE',
  'REDIS_URL',
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

export interface TransportSurroundings extends Surroundings {
  /** Bodies of so many bytes were published as so many. */
  onCoded(transport: TransportName, before: number, after: number): void;
  /** The broker has taken this process out of the group, by its prefixed name; it joins again by itself. */
  onRemoved?(group: string): void;
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
export function openTransport(config: TransportConfig, surroundings: TransportSurroundings): OpenTransport {
  const { onError, onCoded } = surroundings;
  const names = [...consumedFrom(config).keys()];
  const open = (name: TransportName) => {
    const told = (error: Error) => onError(new Error(`${name}: ${error.message}`, { cause: error }));
    const isOne = names.length === 1;
    return openers[name](config, { ...surroundings, onError: isOne ? onError : told, prefix: config.TOPIC_PREFIX });
  };
  const parts = names.map(open);
  const coded = names.map((name, index) => {
    const transport = parts[index]!;
    const coding = codingOn(name, config);
    const told = (before: number, after: number) => onCoded(name, before, after);
    return coding ? new EncodingTransport({ transport, coding, onCoded: told }) : transport;
  });
  const route = (topic: string) => publishedTo(config, topic).map((name) => coded[names.indexOf(name)]!);
  return { transport: coded.length === 1 ? coded[0]! : new RoutedTransport({ parts: coded, route }), parts };
}

/** @returns undefined for bodies as they are */
function codingOn(name: TransportName, config: TransportConfig): Coding | undefined {
  const { CODEC: codec, COMPRESSION_MIN_BYTES: compressFrom } = config;
  const compression = name === 'kafka' ? 'none' : config.COMPRESSION;
  return codec === 'json' && compression === 'none' ? undefined : { codec, compression, compressFrom };
}

type Opener = (config: TransportConfig, common: Omit<TransportSurroundings, 'onCoded'> & { prefix: string }) => Part;

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
    const compression = config.COMPRESSION === 'snappy' ? 'snappy' : 'gzip';
    return new KafkaTransport({ ...common, ...reached.kafka(config), compression });
  },
  rabbitmq: (config, common) => {
    const { RabbitmqTransport } =
      require('@order-events/transport-rabbitmq') as typeof import('@order-events/transport-rabbitmq');
    return new RabbitmqTransport({ ...common, ...reached.rabbitmq(config) });
  },
  nats: (config, common) => {
    const { CoreNatsTransport, KnownTopology, NatsTransport } =
      require('@order-events/transport-nats') as typeof import('@order-events/transport-nats');
    const options = { ...common, ...reached.nats(config) };
    if (config.NATS_MODE === 'jetstream') return new NatsTransport(options);
    return new CoreNatsTransport({ ...options, topology: new KnownTopology(declarations) });
  },
  nsq: (config, common) => {
    const { NsqTransport } = require('@order-events/transport-nsq') as typeof import('@order-events/transport-nsq');
    return new NsqTransport({ ...common, ...reached.nsq(config) });
  },
  redis: (config, common) => {
    const { RedisTransport } =
      require('@order-events/transport-redis') as typeof import('@order-events/transport-redis');
    return new RedisTransport({ ...common, ...reached.redis(config) });
  },
};
/* eslint-enable */
