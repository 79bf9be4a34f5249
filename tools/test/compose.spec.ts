import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWhere, versionOf } from '@order-events/testing';
import { settings } from '@order-events/service-kit';
import { violations } from '../src/compose/rules';
import { composeFile, type ComposeFile, defaults, described, root } from './compose/file';

const always = ['order-api', 'inventory', 'payment', 'logistics', 'email', 'sandbox', 'setup', 'postgres'];
const ofProfile: Record<string, string[]> = {
  kafka: ['kafka'],
  rabbitmq: ['rabbitmq'],
  nats: ['nats'],
  nsq: ['nsqlookupd', 'nsqd-1', 'nsqd-2', 'nsqadmin'],
  postgres: [],
  observability: ['prometheus', 'grafana', 'jaeger'],
};
const known = new Set([...Object.keys(settings), 'NODE_OPTIONS']);

/** What is wrong with the file, one sentence each. @param textOf files that it mounts, where they are not as they stand there */
function faults(file: ComposeFile, textOf?: (path: string) => string): string[] {
  const { services, volumes } = file;
  const named = Object.entries(services);
  const expected = { ...Object.fromEntries(always.map((name) => [name, []])) } as Record<string, string[]>;
  for (const [profile, names] of Object.entries(ofProfile)) for (const name of names) expected[name] = [profile];
  return [
    ...violations(described(file), textOf),
    ...Object.entries(expected)
      .filter(([name, profiles]) => String(services[name]?.profiles ?? []) !== String(profiles))
      .map(([name, profiles]) => `${name}: is not started with ${profiles.join() || 'everything'}`),
    ...named.filter(([name]) => !expected[name]).map(([name]) => `${name}: nobody knows what it is for`),
    ...named.flatMap(([name, { volumes: mounts = [] }]) =>
      mounts
        .map((mount) => mount.split(':')[0]!)
        .filter((source) => (source.startsWith('.') ? !existsSync(join(root, source)) : !(source in volumes)))
        .map((source) => `${name}: mounts ${source}, which is not there`),
    ),
    ...named
      .filter(([, { build }]) => build && !existsSync(join(root, 'apps', build.args.APP)))
      .map(([name]) => `${name}: is built from an app that is not there`),
    ...named
      .filter(([name]) => always.slice(0, 5).includes(name))
      .flatMap(([name, { environment = {} }]) =>
        Object.keys(environment)
          .filter((variable) => !known.has(variable))
          .map((variable) => `${name}: ${variable} is not a setting`),
      ),
    ...named
      .filter(([name]) => always.slice(0, 6).includes(name))
      .filter(
        ([, { depends_on: awaits }]) =>
          awaits?.postgres?.condition !== 'service_healthy' ||
          awaits.setup?.condition !== 'service_completed_successfully',
      )
      .map(([name]) => `${name}: does not wait for its tables`),
  ];
}

test('docker-compose.yml is as it should be', () => {
  expect(faults(composeFile())).toEqual([]);
});

type Plant = (services: Record<string, Record<string, unknown>>) => void;
const remove = (service: Record<string, unknown>, word: string) =>
  void (service.command = (service.command as string[]).filter((one) => one !== word));

const planted: Record<string, [string, Plant]> = {
  'no limit of memory': ['nats: has a memory limit', ({ nats }) => void delete nats!.mem_limit],
  'limits beyond 4 GB': [
    'profile kafka: its limits add up to less than 4 GB',
    ({ postgres }) => void (postgres!.mem_limit = '2g'),
  ],
  'capabilities are kept': ['postgres: gives up all capabilities', ({ postgres }) => void delete postgres!.cap_drop],
  'privileges can be gained': ['kafka: gets no new privileges', ({ kafka }) => void delete kafka!.security_opt],
  'a log without end': ['email: rotates its log', ({ email }) => void delete email!.logging],
  'a port for everybody': [
    'grafana: is published on 127.0.0.1 only',
    ({ grafana }) => void (grafana!.ports = ['3300:3000']),
  ],
  'an image that is another one tomorrow': [
    'rabbitmq: is built here, or of a pinned version',
    ({ rabbitmq }) => void (rabbitmq!.image = 'rabbitmq:management'),
  ],
  'a service that can write to its image': [
    'order-api: cannot write to its image, if it is ours',
    (services) => void delete services['order-api']!.read_only,
  ],
  'nobody asks for its health': [
    'nsqadmin: is asked for its health as its image can tell it',
    ({ nsqadmin }) => void delete nsqadmin!.healthcheck,
  ],
  'a service that is healthy whatever it does': [
    'payment: is asked for its health as its image can tell it',
    ({ payment }) => void (payment!.healthcheck = { test: ['CMD', 'true'] }),
  ],
  'a broker that is healthy whatever it does': [
    'rabbitmq: is asked for its health as its image can tell it',
    ({ rabbitmq }) => void (rabbitmq!.healthcheck = { test: ['CMD', 'true'] }),
  ],
  'a health check of another program': [
    'nsqd-1: is asked for its health as its image can tell it',
    (services) => void (services['nsqd-1']!.healthcheck = services.nsqlookupd!.healthcheck),
  ],
  'an nsqd that syncs now and then': [
    'nsqd-2: --sync-every=1',
    (services) => remove(services['nsqd-2']!, '--sync-every=1'),
  ],
  'an nsqd that keeps messages in memory': [
    'nsqd-1: --mem-queue-size=0',
    (services) => remove(services['nsqd-1']!, '--mem-queue-size=0'),
  ],
  'an nsqd that does not know of all groups': [
    'nsqd-1: --lookupd-tcp-address',
    (services) => remove(services['nsqd-1']!, '--lookupd-tcp-address=nsqlookupd:4160'),
  ],
  'an nsqd that is not told where its volume is': [
    'nsqd-1: keeps its data on a volume',
    (services) => remove(services['nsqd-1']!, '--data-path=/data'),
  ],
  'a Postgres that does not sync': [
    'postgres: fsync, full_page_writes and synchronous_commit stay on',
    ({ postgres }) => void (postgres!.command as string[]).push('-c', 'fsync=off'),
  ],
  'a Postgres that answers before it is on disk': [
    'postgres: fsync, full_page_writes and synchronous_commit stay on',
    ({ postgres }) => void (postgres!.command as string[]).push('-c', 'synchronous_commit=off'),
  ],
  "a Postgres whose volume lies beside the server's data": [
    'postgres: keeps its data on a volume',
    ({ postgres }) => void (postgres!.volumes = ['postgres:/var/lib/postgresql/data']),
  ],
  'a RabbitMQ that has another name each time': [
    'rabbitmq: has one name for ever, because its data carries it',
    ({ rabbitmq }) => void delete rabbitmq!.hostname,
  ],
  'a broker in a folder of this machine': [
    'rabbitmq: keeps its data on a volume',
    ({ rabbitmq }) => void (rabbitmq!.volumes = ['./docker:/var/lib/rabbitmq']),
  ],
  'a broker on a volume without a name': [
    'nats: keeps its data on a volume',
    ({ nats }) => void (nats!.volumes = ['/data', './docker/nats/server.conf:/etc/nats/order-events.conf:ro']),
  ],
  'a broker without its settings': ['nats: sync_interval: always', ({ nats }) => void (nats!.volumes = ['nats:/data'])],
  'a broker that is always started': ['kafka: is not started with kafka', ({ kafka }) => void delete kafka!.profiles],
  'a service too many': ['redis: nobody knows what it is for', (services) => void (services.redis = services.nats!)],
  'a file that is not there': [
    'nats: mounts ./docker/nats/nats.conf, which is not there',
    ({ nats }) => void (nats!.volumes = ['./docker/nats/nats.conf:/etc/nats/order-events.conf:ro']),
  ],
  'a volume that nobody declares': [
    'nats: mounts messages, which is not there',
    ({ nats }) => void (nats!.volumes = ['messages:/data']),
  ],
  'an app that is not there': [
    'email: is built from an app that is not there',
    ({ email }) => void (email!.build = { args: { APP: 'mail-service' } }),
  ],
  'a misspelt variable': [
    'payment: GATEWAY_ADDRESS is not a setting',
    ({ payment }) => void (payment!.environment = { GATEWAY_ADDRESS: 'http://sandbox:3900/gateway' }),
  ],
  'a service that starts at once': [
    'logistics: does not wait for its tables',
    ({ logistics }) => void delete logistics!.depends_on,
  ],
};

test.each(Object.entries(planted))('finds %s', (_, [fault, plant]) => {
  const file = structuredClone(composeFile());
  plant(file.services as unknown as Record<string, Record<string, unknown>>);
  expect(faults(file)).toContain(fault);
});

test.each<[string, string, string, string]>([
  ['nats/server.conf', 'sync_interval: always', '', 'nats: sync_interval: always'],
  ['nats/server.conf', 'sync_interval: always', 'sync_interval: 2m', 'nats: sync_interval: always'],
  ['nats/server.conf', 'store_dir: "/data"', 'store_dir: "/tmp"', 'nats: keeps its data on a volume'],
  ['nats/server.conf', 'jetstream', '# jetstream', 'nats: sync_interval: always'],
  [
    'kafka/server.properties',
    'unclean.leader.election.enable=false',
    'unclean.leader.election.enable=true',
    'kafka: unclean.leader.election.enable=false',
  ],
  [
    'kafka/server.properties',
    'unclean.leader.election.enable=false',
    '',
    'kafka: unclean.leader.election.enable=false',
  ],
  [
    'kafka/server.properties',
    'auto.create.topics.enable=false',
    'offsets.retention.minutes=60',
    'kafka: the places of groups are kept for as long as events',
  ],
  [
    'kafka/server.properties',
    'log.dirs=/var/lib/kafka/data',
    'log.dirs=/tmp/kafka',
    'kafka: keeps its data on a volume',
  ],
  [
    'postgres/databases.sql',
    'REVOKE CONNECT',
    'ALTER SYSTEM SET synchronous_commit = off; REVOKE CONNECT',
    'postgres: fsync, full_page_writes and synchronous_commit stay on',
  ],
])('finds in %s, instead of %p: %p', (name, right, wrong, fault) => {
  const path = join(root, 'docker', name);
  const before = readFileSync(path, 'utf8');
  expect(before).toContain(right);
  const textOf = (mounted: string) => (mounted === path ? before.replace(right, wrong) : '');
  expect(faults(composeFile(), textOf)).toContain(fault);
});

test('the broker of TRANSPORT is started', () => {
  const { TRANSPORT, COMPOSE_PROFILES } = defaults();
  expect(COMPOSE_PROFILES).toBe(TRANSPORT);
  expect(Object.keys(ofProfile)).toContain(TRANSPORT);
});

const oldest = versionOf('docker-compose', '--version');
const isThere = oldest?.includes('1.29.') === true;
const missing = isThere ? undefined : 'it is not on PATH (Debian 12: apt-get install docker-compose)';
describeWhere('docker-compose 1.29', missing, () => {
  test('reads it as we do', () => {
    const listed = execFileSync('docker-compose', ['config', '--services'], { cwd: root, encoding: 'utf8' });
    expect(listed.trim().split('\n').sort()).toEqual(Object.keys(composeFile().services).sort());
  });
});
