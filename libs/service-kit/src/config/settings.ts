import { z } from 'zod';
import { compressions } from '@order-events/messaging';
import { addressProblems } from './bridge';
import { alsoConsumeProblems, routesProblems, transportNames, type TransportName } from './transports';

/** One environment variable. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  schema: S;
  description: string;
  /** Never shown in errors or logs. */
  secret?: true;
  /** The transport that cannot do without it. */
  neededBy?: TransportName;
}

const setting = <S extends z.ZodType>(description: string, schema: S): Setting<S> => ({ description, schema });
const secret = <S extends z.ZodType>(description: string, schema: S): Setting<S> => ({
  description,
  schema,
  secret: true,
});

const neededBy = <T extends Setting>(transport: TransportName, setting: T): T => ({ ...setting, neededBy: transport });

const whole = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(message).int({ message, abort: true }).min(least, message).max(most, message);
};
const port = whole(0, 65_535);
const count = whole(1, 1_000_000);
const days = whole(1, 3_650);
const milliseconds = whole(0, 3_600_000);
const oneOf = <const V extends readonly string[]>(...values: V) =>
  z.enum(values, `must be one of ${values.join(', ')}`);
const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    message: `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });
/** Several of them, with commas between: the nodes of one cluster. */
const urls = (...schemes: string[]) =>
  z.string().refine((text) => text.split(',').every((one) => url(...schemes).safeParse(one.trim()).success), {
    message: `must be URLs that begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}, with commas between them`,
  });
const PART = 'must be a number from 0 to 1';
const postgres = url('postgres', 'postgresql');
const addresses = z
  .string()
  .regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/, 'must be host:port, several with commas between');
/** Text of which `problemsOf` tells everything that is wrong with it. */
const text = (problemsOf: (value: string) => readonly string[]) =>
  z.string().superRefine((value, context) => {
    for (const problem of problemsOf(value)) context.addIssue(problem);
  });

const ownerOf = (service: string) =>
  secret(`For \`npm run setup\`: OWNER_DATABASE_URL of ${service}, which is left out without it.`, postgres.optional());

/** Every environment variable that any service reads; a service picks those that it needs by name. */
export const settings = {
  NODE_ENV: setting(
    '`production` turns the defaults for development off: no seed data, no default card.',
    oneOf('development', 'test', 'production').default('development'),
  ),
  HOST: setting('Address to listen on.', z.string().default('127.0.0.1')),
  PORT: setting('Port of the public HTTP interface.', port),
  SMTP_PORT: setting("Port of the sandbox's mail server.", port),
  OPERATOR_PORT: setting('Port of the operator routes, health and metrics.', port),
  OPERATOR_TOKEN: secret(
    'Bearer token of the operator routes. Without it they are refused.',
    z.string().min(16, 'must have 16 characters or more').optional(),
  ),
  DATABASE_URL: secret("The service's own database, as a role that may read and write rows.", postgres),
  DATABASE_CONNECTIONS: setting(
    'Most connections to the own database for orders and events; queries through entities have up to 4 of their own.',
    count.default(10),
  ),
  TRANSPORT: setting('What carries the events between services.', oneOf(...transportNames).default('postgres')),
  TRANSPORT_ROUTES: setting(
    'What is published elsewhere, `topic=transport` with commas between; `*` stands for one word of a topic, and the first that fits ' +
      'counts. `topic=kafka+nsq` publishes to both: an event is out when both have it.',
    text(routesProblems).default(''),
  ),
  TRANSPORT_ALSO_CONSUME: setting(
    'Transports still consumed from though nothing is published to them, with commas between; for a move.',
    text(alsoConsumeProblems).default(''),
  ),
  CODEC: setting(
    'The form in which the data of events is published. Each form is read, whatever this says.',
    oneOf('json', 'protobuf').default('json'),
  ),
  COMPRESSION: setting(
    'How larger messages are packed. On Kafka the client packs whole batches instead, by gzip unless this says `snappy`.',
    oneOf('none', ...compressions).default('none'),
  ),
  COMPRESSION_MIN_BYTES: setting('The smallest body that is packed.', count.default(1024)),
  EVENTS_DATABASE_URL: neededBy('postgres', secret('The database `events`.', postgres.optional())),
  KAFKA_BROKERS: neededBy('kafka', setting('Brokers, `host:port`, with commas between them.', addresses.optional())),
  KAFKA_SECURITY_PROTOCOL: setting(
    "How to speak to Kafka's brokers.",
    z
      .string()
      .toLowerCase()
      .pipe(oneOf('plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'))
      .default('plaintext'),
  ),
  KAFKA_SASL_MECHANISM: setting(
    'How to log in to Kafka.',
    z
      .string()
      .toLowerCase()
      .pipe(oneOf('plain', 'scram-sha-256', 'scram-sha-512'))
      .default('plain'),
  ),
  KAFKA_SASL_USERNAME: setting('The user to log in to Kafka as.', z.string().optional()),
  KAFKA_SASL_PASSWORD: secret('Its password.', z.string().optional()),
  AMQP_URL: neededBy(
    'rabbitmq',
    secret('Nodes of RabbitMQ, with user and password, with commas between them.', urls('amqp', 'amqps').optional()),
  ),
  NATS_URL: neededBy('nats', secret('NATS servers, with commas between them.', urls('nats', 'tls').optional())),
  NATS_MODE: setting(
    'What of NATS carries the events: a stream of JetStream, or `core`, which keeps nothing. See docs/transports/nats.md.',
    oneOf('jetstream', 'core').default('jetstream'),
  ),
  REDIS_URL: neededBy(
    'redis',
    secret('The Redis server, `redis://` or `rediss://`, with user and password.', url('redis', 'rediss').optional()),
  ),
  NSQD_ADDRESSES: neededBy('nsq', setting('nsqds, `host:port`, with commas between them.', addresses.optional())),
  NSQLOOKUPD_ADDRESSES: setting(
    'The HTTP side of nsqlookupds, `host:port`, with commas between them; none when empty.',
    z.union([z.literal(''), addresses]).default(''),
  ),
  NSQ_TLS: setting(
    'Whether to speak TLS to the nsqds, `true` or `false`.',
    z.stringbool('must be true or false').default(false),
  ),
  NSQ_AUTH_SECRET: secret("For nsqd's AUTH.", z.string().optional()),
  BROKER_CA_FILE: setting(
    "The authority of the broker's certificate, PEM, if it is not a public one.",
    z.string().optional(),
  ),
  BROKER_CERT_FILE: setting('Our own certificate for the broker, PEM.', z.string().optional()),
  BROKER_KEY_FILE: setting('Its key, PEM.', z.string().optional()),
  TOPIC_PREFIX: setting(
    'Goes before the name of every topic and group, so that several systems can share a broker.',
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,64}$/, 'must be at most 64 characters of A-Z a-z 0-9 . _ -')
      .default(''),
  ),
  BRIDGE_IN: setting(
    'Where programs of other teams publish bare orders, which are placed: `kafka:topic`, `nats:subject`, `nsq:topic` or ' +
      '`rabbitmq:exchange/routing_key/queue`; see docs/transports/bridge.md.',
    text(addressProblems).optional(),
  ),
  BRIDGE_OUT: setting(
    'Where such programs read, and each order is published as a bare one; written likewise.',
    text(addressProblems).optional(),
  ),
  BATCH_SIZE: setting('Most events handled in one transaction.', count.default(100)),
  BATCH_WAIT_MS: setting('How long a batch that is not full waits for more, milliseconds.', milliseconds.default(5)),
  IN_FLIGHT: setting('Most events fetched and not yet acknowledged.', count.default(1000)),
  PARALLEL: setting('Most batches handled at the same time.', count.default(4)),
  EFFECTS_PARALLEL: setting('Most calls to the outside (gateway, carrier, SMTP) at the same time.', count.default(32)),
  OUTBOX_RETENTION_DAYS: setting(
    'How long events are kept in the outbox after they were written, and in the log of the Postgres transport.',
    days.default(7),
  ),
  DEAD_LETTER_RETENTION_DAYS: setting('How long a dead letter waits for an operator.', days.default(14)),
  INBOX_RETENTION_DAYS: setting(
    "Days an event's id is remembered; an older event, by the time in its id, is marked expired, not handled.",
    days.default(21),
  ),
  GATEWAY_URL: setting('The payment gateway.', url('http', 'https')),
  CARRIER_URL: setting('The carrier.', url('http', 'https')),
  OUTSIDE_TIMEOUT_MS: setting(
    'How long to wait for an answer of the gateway or the carrier before asking again, milliseconds.',
    whole(100, 15_000).default(10_000),
  ),
  SMTP_URL: secret('The mail server.', url('smtp', 'smtps')),
  MAIL_FROM: setting(
    'Whom mails are from, `address` or `name <address>`.',
    z
      .string()
      .regex(/^([^<>@,;:"\p{Cc}]+ <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/u, 'must be address or name <address>')
      .default('Order Events <orders@order-events.example>'),
  ),
  ORDER_DEADLINE_S: setting(
    'How long an order may stay pending or confirmed after its last event was published, seconds.',
    count.default(900),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    'The collector that traces are told to, as OTLP over HTTP (`/v1/traces` is added). Without one none are.',
    url('http', 'https').optional(),
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting(
    'The same for traces alone: the whole address, to which nothing is added.',
    url('http', 'https').optional(),
  ),
  OTEL_TRACES_SAMPLER_ARG: setting(
    'Of the traces that begin here, the part that is told, 0 to 1. Of one that began elsewhere its `traceparent` says it.',
    z.coerce.number(PART).min(0, PART).max(1, PART).default(1),
  ),
  LOG_LEVEL: setting(
    'Least severity of log lines.',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
  ),
  OWNER_DATABASE_URL: secret('For setup: the own database, as the role that owns it.', postgres),
  LOGIN_ROLE: setting(
    'For setup: the role of `DATABASE_URL`. The default is the name of the service, with `_` for `-`.',
    z.string(),
  ),
  OWNER_EVENTS_DATABASE_URL: neededBy(
    'postgres',
    secret('For setup: the database `events`, as the role that owns it.', postgres.optional()),
  ),
  ORDER_API_OWNER_DATABASE_URL: ownerOf('order-api'),
  INVENTORY_OWNER_DATABASE_URL: ownerOf('inventory'),
  PAYMENT_OWNER_DATABASE_URL: ownerOf('payment'),
  LOGISTICS_OWNER_DATABASE_URL: ownerOf('logistics'),
  EMAIL_OWNER_DATABASE_URL: ownerOf('email'),
  SANDBOX_OWNER_DATABASE_URL: ownerOf('sandbox'),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export type Config<N extends SettingName = SettingName> = { [K in N]: z.output<(typeof settings)[K]['schema']> };
