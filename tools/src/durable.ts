/** A container of Docker or Kubernetes that may keep data, as far as it matters for that. */
export interface Container {
  image: string;
  /** Its command with all arguments. */
  words: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** The text of the files that are mounted into it. */
  files: string;
  /** The paths in it under which volumes stand that outlive it. */
  kept: readonly string[];
  hostname?: string;
}

/** A program that answers "stored", and what must be so that this is true. */
interface Keeper {
  runs(container: Container): boolean;
  /** Where its data is; undefined when it is told nowhere. */
  data(container: Container): string | undefined;
  settings: Readonly<Record<string, (container: Container) => boolean>>;
}

const runsImage = (name: string) => (container: Container) => nameOf(container.image) === name;

const argument = ({ words }: Container, name: string) =>
  words.map((word) => new RegExp(`^--?${name}=(.*)$`).exec(word)?.[1]).find((value) => value !== undefined);

/** As in a file of properties, or in one of NATS. */
const setting = ({ files }: Container, name: string) =>
  new RegExp(`^[^#\n]*(?<![\\w.])${name.replaceAll('.', '\\.')}\\s*[=:]\\s*"?([^\\s",}]+)`, 'm').exec(files)?.[1];

const weekMinutes = 7 * 24 * 60;
const unsafe = /\b(?:fsync|full_page_writes|synchronous_commit)\s*=(?!\s*on\b)/;

/** What docs/operations.md and docs/transports call necessary, of each program of docker-compose.yml and k8s/components. */
const keepers: readonly Keeper[] = [
  {
    runs: runsImage('postgres'),
    data: ({ env }) => env.PGDATA ?? '/var/lib/postgresql',
    settings: {
      'fsync, full_page_writes and synchronous_commit stay on': ({ words, files }) =>
        !words.includes('-F') && ![...words, files].some((text) => unsafe.test(text)),
    },
  },
  {
    // Replicas and min.insync.replicas are each topic's own: the setup sets them, by how many brokers there are.
    runs: runsImage('apache/kafka'),
    data: (container) => setting(container, 'log.dirs'),
    settings: {
      'unclean.leader.election.enable=false': (container) =>
        setting(container, 'unclean.leader.election.enable') === 'false',
      'the places of groups are kept for as long as events': (container) =>
        Number(setting(container, 'offsets.retention.minutes') ?? weekMinutes) >= weekMinutes,
    },
  },
  {
    runs: runsImage('rabbitmq'),
    data: () => '/var/lib/rabbitmq',
    settings: {
      'has one name for ever, because its data carries it': ({ hostname, env }) =>
        (hostname ?? env.RABBITMQ_NODENAME) !== undefined,
    },
  },
  {
    runs: runsImage('nats'),
    data: (container) => setting(container, 'store_dir'),
    settings: { 'sync_interval: always': (container) => setting(container, 'sync_interval') === 'always' },
  },
  {
    runs: (container) => runsImage('nsqio/nsq')(container) && container.words[0] === '/nsqd',
    data: (container) => argument(container, 'data-path'),
    settings: {
      '--mem-queue-size=0': (container) => argument(container, 'mem-queue-size') === '0',
      '--sync-every=1': (container) => argument(container, 'sync-every') === '1',
      // Who tells it of all groups of a topic before it takes the first message.
      '--lookupd-tcp-address': (container) => argument(container, 'lookupd-tcp-address') !== undefined,
    },
  },
];

/** Of an image, without its version. */
export const nameOf = (image: string) => image.replace(/:[^/]*$/, '');

/** Whether it is known what this one keeps. */
export const isKeeper = (container: Container) => keepers.some(({ runs }) => runs(container));

/** For what reasons it may lose what it has answered for. */
export function losses(container: Container): string[] {
  return keepers
    .filter(({ runs }) => runs(container))
    .flatMap(({ data, settings }) => [
      ...(isUnder(container.kept, data(container)) ? [] : ['keeps its data on a volume']),
      ...Object.entries(settings)
        .filter(([, holds]) => !holds(container))
        .map(([name]) => name),
    ]);
}

const isUnder = (volumes: readonly string[], path?: string) =>
  path !== undefined && volumes.some((volume) => path === volume || path.startsWith(`${volume}/`));
