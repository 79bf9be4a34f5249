import { openTransport, TRANSPORT_SETTINGS } from '../transports';
import { loadConfig } from './load';
import { reached } from './reached';

const config = (env: Record<string, string>) => loadConfig(TRANSPORT_SETTINGS, {}, env as NodeJS.ProcessEnv);

const files = { BROKER_CA_FILE: '/ca.pem', BROKER_CERT_FILE: '/cert.pem', BROKER_KEY_FILE: '/key.pem' };
const tls = { caFile: '/ca.pem', certFile: '/cert.pem', keyFile: '/key.pem' };

describe('Kafka', () => {
  const brokers = 'a:9092,b:9092';
  const login = { KAFKA_SASL_USERNAME: 'ann', KAFKA_SASL_PASSWORD: 'hidden' };
  const sasl = { mechanism: 'scram-sha-512', username: 'ann', password: 'hidden' };
  const kafka = (env: Record<string, string>) =>
    reached.kafka(config({ TRANSPORT: 'kafka', KAFKA_BROKERS: brokers, ...env }));

  test.each([
    ['', {}],
    ['ssl', { tls }],
    ['SASL_PLAINTEXT', { sasl }],
    ['sasl_ssl', { tls, sasl }],
  ])('of files and a login KAFKA_SECURITY_PROTOCOL=%s uses %j', (KAFKA_SECURITY_PROTOCOL, secured) => {
    const env = { KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', ...login, ...files };
    expect(kafka(env)).toEqual({ brokers, ...secured });
  });

  test('without files TLS trusts the public authorities, and without a mechanism the login is plain', () => {
    const secured = { tls: {}, sasl: { ...sasl, mechanism: 'plain' } };
    expect(kafka({ KAFKA_SECURITY_PROTOCOL: 'sasl_ssl', ...login })).toEqual({ brokers, ...secured });
  });
});

test.each([
  ['rabbitmq', 'AMQP_URL', 'amqps://ann:hidden@host:5671'],
  ['nats', 'NATS_URL', 'tls://ann:hidden@host:4222'],
  ['redis', 'REDIS_URL', 'rediss://ann:hidden@host:6379'],
] as const)('%s is given the address with the login in it, and the files', (TRANSPORT, variable, url) => {
  const address = { TRANSPORT, [variable]: url };
  expect(reached[TRANSPORT](config(address))).toEqual({ url });
  expect(reached[TRANSPORT](config({ ...address, ...files }))).toEqual({ url, tls });
});

test('NSQ is given its secret, and the files when NSQ_TLS asks for TLS', () => {
  const [nsqdAddresses, nsqlookupdAddresses, secret] = ['a:4150', 'b:4161', 'hidden'];
  const env = {
    TRANSPORT: 'nsq',
    NSQD_ADDRESSES: nsqdAddresses,
    NSQLOOKUPD_ADDRESSES: nsqlookupdAddresses,
    NSQ_AUTH_SECRET: secret,
  };
  const given = { nsqdAddresses, nsqlookupdAddresses, secret };
  expect(reached.nsq(config({ ...env, ...files }))).toEqual(given);
  expect(reached.nsq(config({ ...env, NSQ_TLS: 'true' }))).toEqual({ ...given, tls: {} });
  expect(reached.nsq(config({ ...env, ...files, NSQ_TLS: 'true' }))).toEqual({ ...given, tls });
});

test.each<[string, Record<string, string>]>([
  ['kafka', { KAFKA_BROKERS: '127.0.0.1:1', KAFKA_SECURITY_PROTOCOL: 'ssl' }],
  ['rabbitmq', { AMQP_URL: 'amqps://127.0.0.1:1' }],
  ['nsq', { NSQD_ADDRESSES: '127.0.0.1:1', NSQ_TLS: 'true' }],
  ['redis', { REDIS_URL: 'rediss://127.0.0.1:1' }],
])('%s reads the files that are named', async (TRANSPORT, address) => {
  const surroundings = { applicationName: 'test', onError: () => {}, onCoded: () => {} };
  const env = { TRANSPORT, ...address, BROKER_CA_FILE: '/nowhere/ca.pem' };
  const { transport } = openTransport(config(env), surroundings);
  await expect(transport.ping()).rejects.toThrow("open '/nowhere/ca.pem'");
  await transport.close();
});
