import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDocs } from './docs';
import { ConfigError, loadConfig } from './load';
import { settings } from './settings';

const env = (values: Record<string, string>) => values as NodeJS.ProcessEnv;
const problems = (names: Parameters<typeof loadConfig>[0], values: Record<string, string>) => {
  try {
    loadConfig(names, {}, env(values));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
};

test('reads what is set, and falls back to the service and then to the table', () => {
  const config = loadConfig(['HOST', 'PORT', 'BATCH_SIZE'], { PORT: 3000 }, env({ BATCH_SIZE: '7', HOST: '' }));
  expect(config).toEqual({ HOST: '127.0.0.1', PORT: 3000, BATCH_SIZE: 7 });
});

test('reports everything that is wrong at once', () => {
  const found = problems(['PORT', 'DATABASE_URL', 'GATEWAY_URL', 'LOG_LEVEL'], {
    PORT: '70000',
    GATEWAY_URL: 'ftp://gateway',
    LOG_LEVEL: 'loud',
  });
  expect(found).toHaveLength(4);
  expect(found.join('\n')).toMatch(/PORT: .*"70000"[^]*DATABASE_URL: is not set[^]*GATEWAY_URL: .*http[^]*LOG_LEVEL/);
});

test.each([
  ['PORT', 'abc', 'must be a whole number from 0 to 65535'],
  ['PORT', '70000', 'must be a whole number from 0 to 65535'],
  ['BATCH_SIZE', '-1.5', 'must be a whole number from 1 to 1000000'],
  ['CODEC', 'xml', 'must be one of json, protobuf'],
  ['KAFKA_SECURITY_PROTOCOL', 'tls', 'must be one of plaintext, ssl, sasl_plaintext, sasl_ssl'],
  ['NSQ_TLS', 'maybe', 'must be true or false'],
  ['OTEL_TRACES_SAMPLER_ARG', '2', 'must be a number from 0 to 1'],
] as const)('says of %s=%s what it must be, and what it is', (name, value, must) => {
  expect(problems([name], { [name]: value })).toEqual([
    `${name}: ${must}; is "${value}" (${settings[name].description})`,
  ]);
});

test('several nodes may be named with commas between them, and each must be a URL', () => {
  const nodes = { TRANSPORT: 'rabbitmq', AMQP_URL: 'amqp://u:p@a:5672, amqps://u:p@b:5671' };
  expect(loadConfig(['TRANSPORT', 'AMQP_URL'], {}, env(nodes))).toEqual(nodes);
  const found = problems(['TRANSPORT', 'AMQP_URL', 'NATS_URL'], {
    ...nodes,
    AMQP_URL: 'amqp://u:p@a:5672,b:5672',
    NATS_URL: 'not a url',
  });
  // What is wrong is not told as missing, too.
  expect(found).toEqual([
    expect.stringMatching(/^AMQP_URL: must be URLs that begin with amqp:\/\/ or amqps/),
    expect.stringMatching(/^NATS_URL: must be URLs/),
  ]);
});

test('never shows a secret', () => {
  const [problem] = problems(['DATABASE_URL'], { DATABASE_URL: 'mysql://me:hunter2@host/db' });
  expect(problem).toMatch(/^DATABASE_URL: .*not shown/);
  expect(problem).not.toContain('hunter2');
});

// If it fails: npm run docs
test('docs/config.md is what the table of settings makes', () => {
  const file = join(__dirname, '../../../../docs/config.md');
  expect(readFileSync(file, 'utf8')).toBe(configDocs());
});
