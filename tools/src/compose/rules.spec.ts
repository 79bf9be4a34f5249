import { type Described, violations } from './rules';

const good: Described = {
  image: 'grafana/grafana:12.0.2',
  ports: [{ target: 3000, published: '3300', host_ip: '127.0.0.1' }],
  profiles: ['kafka'],
  mem_limit: '1073741824',
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  healthcheck: { test: ['CMD', 'wget', '-q', '-O', '-', 'http://127.0.0.1:3000/api/health'] },
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
  ['is published on 127.0.0.1 only', { ports: [{ target: 3000, published: '3300' }] }],
  ['is built here, or of a pinned version', { image: 'grafana/grafana:latest' }],
  [
    'cannot write to its image, if it is ours',
    { build: { args: { APP: 'sandbox' } }, healthcheck: { test: ['CMD', 'node', '/app/ready.cjs'] } },
  ],
  ['is asked for its health as its image can tell it', { healthcheck: undefined }],
  ['is asked for its health as its image can tell it', { healthcheck: { ...good.healthcheck, disable: true } }],
  ['is asked for its health as its image can tell it', { healthcheck: { test: ['CMD', 'true'] } }],
  ['is asked for its health as its image can tell it', { image: 'grafana/loki:3.5.0' }],
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

test('what can be looked with is started beside each broker, and so is setup, which has ended by then', () => {
  const half = { ...good, mem_limit: '2147483648' };
  expect(violations({ kafka: half, prometheus: { ...half, profiles: ['observability'] } })).toEqual([
    'profile kafka: its limits add up to less than 4 GB',
  ]);
  const less = { ...good, mem_limit: '1073741824' };
  const setup = { ...less, profiles: undefined };
  expect(violations({ kafka: half, prometheus: { ...less, profiles: ['observability'] }, setup })).toEqual([]);
  expect(violations({ kafka: half, setup: { ...setup, mem_limit: '2147483648' } })).toEqual([
    'profile kafka: its limits add up to less than 4 GB',
  ]);
});

test('setup ends, so it is not asked for its health', () => {
  expect(violations({ setup: { ...good, healthcheck: { disable: true } } })).toEqual([]);
});
