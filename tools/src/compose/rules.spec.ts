import { type Described, violations } from './rules';

const good: Described = {
  image: 'apache/kafka:4.1.0',
  ports: [{ target: 9092, published: '9092', host_ip: '127.0.0.1' }],
  profiles: ['kafka'],
  mem_limit: '1073741824',
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  healthcheck: {},
  logging: { options: { 'max-size': '10m' } },
};

test('a service that keeps all rules is not complained of', () => {
  expect(violations({ good })).toEqual([]);
});

test.each<[string, Partial<Described>]>([
  ['has a memory limit', { mem_limit: undefined, profiles: undefined }],
  ['gives up all capabilities', { cap_drop: ['NET_RAW'] }],
  ['gets no new privileges', { security_opt: [] }],
  ['rotates its log', { logging: {} }],
  ['is published on 127.0.0.1 only', { ports: [{ target: 9092, published: '9092' }] }],
  ['is built here, or of a pinned version', { image: 'apache/kafka:latest' }],
  ['cannot write to its image, if it is ours', { build: { args: { APP: 'sandbox' } } }],
  ['tells whether it is healthy', { healthcheck: { disable: true } }],
])('%s', (rule, planted) => {
  expect(violations({ good, bad: { ...good, ...planted } })).toEqual([`bad: ${rule}`]);
});

test('what is started together stays below 4 GB', () => {
  const heavy = { ...good, mem_limit: '2147483648' };
  expect(violations({ heavy, light: good })).toEqual([]);
  expect(violations({ heavy, base: { ...heavy, profiles: undefined } })).toEqual([
    'profile kafka: its limits add up to less than 4 GB',
  ]);
});

test('what can be looked with is started beside each broker, and setup has ended by then', () => {
  const half = { ...good, mem_limit: '2147483648' };
  expect(violations({ kafka: half, prometheus: { ...half, profiles: ['observability'] } })).toEqual([
    'profile kafka: its limits add up to less than 4 GB',
  ]);
  expect(violations({ kafka: half, setup: { ...half, profiles: undefined } })).toEqual([]);
});

test('setup ends, so it is not asked for its health', () => {
  expect(violations({ setup: { ...good, healthcheck: { disable: true } } })).toEqual([]);
});
