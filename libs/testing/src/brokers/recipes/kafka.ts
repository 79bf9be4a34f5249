import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, isCached, versionOf, work } from '../cache';
import { kafkaBrokers, probeKafka } from '../probe';
import type { Layout, Part, Recipe, Setup } from '../recipe';
import type { Security } from '../security';

const version = '4.1.0';
const folder = `kafka-${version}`;

/** The jars that a distribution would hold, by the repository that Maven uses. slf4j 2 would not be found by Kafka 4.1. */
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>order-events</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', version)}
    ${dependency('org.apache.kafka', 'kafka-tools', version)}
    ${dependency('org.slf4j', 'slf4j-simple', '1.7.36')}
  </dependencies>
</project>
`;

function dependency(group: string, artifact: string, wanted: string): string {
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${wanted}</version></dependency>`;
}

/** Kafka with KRaft, each server broker and controller at once. */
export const kafka: Recipe = {
  name: 'kafka',
  brokers: 1,

  missing() {
    const java = versionOf('java', '-version');
    const major = Number(/version "(\d+)/.exec(java ?? '')?.[1] ?? 0);
    if (major < 17) {
      return `no Java 17 or newer was found (${major ? `it is Java ${major}` : 'no java on PATH'}). Install a JRE.`;
    }
    if (isCached(folder) || versionOf('mvn', '-v') !== undefined) return undefined;
    return 'no Maven was found, with which its jars are fetched (no mvn on PATH). Install Maven.';
  },

  async install(say) {
    const programs = await cached(folder, async (directory) => {
      writeFileSync(join(directory, 'pom.xml'), pom);
      const goal = ['dependency:copy-dependencies', '-DoutputDirectory=libs', '-DincludeScope=runtime'];
      const title = `Fetching Kafka ${version} (54 MB)`;
      await work({ title, command: 'mvn', args: ['-q', '-B', '-f', 'pom.xml', ...goal], cwd: directory }, say);
    });
    return { programs, version };
  },

  ports: (brokers) =>
    Object.fromEntries(
      each(brokers).flatMap((id) => [
        [`client-${id}`, 9091 + id],
        [`internal-${id}`, 9191 + id],
        [`controller-${id}`, 9291 + id],
      ]),
    ),

  layout(setup): Layout {
    const { directory, advertised, security } = setup;
    const nodes = each(setup.brokers);
    // 16 bytes in base64; one that begins with a dash would be read as an option.
    const clusterId = `A${randomBytes(16).toString('base64url').slice(1, 21)}A`;
    return {
      env: { KAFKA_BROKERS: nodes.map((id) => `127.0.0.1:${advertised(`client-${id}`)}`).join(',') },
      files: {
        ...Object.fromEntries(nodes.map((id) => [`server-${id}.properties`, properties(settings(setup, id))])),
        ...(security && {
          [keystore]: readFileSync(security.key, 'utf8') + readFileSync(security.certificate, 'utf8'),
        }),
      },
      prepare: () =>
        Promise.all(
          nodes.map((id) => {
            const args = ['format', '-t', clusterId, '-c', join(directory, `server-${id}.properties`)];
            const command = java(setup, 'kafka.tools.StorageTool', '-XX:TieredStopAtLevel=1');
            return work(
              { title: 'Formatting', command: 'java', args: [...command, ...args], cwd: directory },
              () => {},
            );
          }),
        ),
      parts: [nodes.map((id) => part(setup, id))],
    };
  },
};

const keystore = 'keystore.pem';

const each = (brokers: number) => Array.from({ length: brokers }, (_, index) => index + 1);

const java = ({ programs }: Setup, main: string, ...options: string[]) => [
  ...options,
  '-XX:+UseSerialGC',
  // At the level of information, the reason of a failed start is followed by a page about the end.
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-cp',
  join(programs, 'libs', '*'),
  main,
];

function part(setup: Setup, id: number): Part {
  const { directory, port, brokers, security } = setup;
  const config = join(directory, `server-${id}.properties`);
  return {
    name: `kafka-${id}`,
    command: 'java',
    args: [...java(setup, 'kafka.Kafka', '-Xmx512m', '-XX:TieredStopAtLevel=1'), config],
    mark: config,
    async probe() {
      const known = await kafkaBrokers({ host: '127.0.0.1', port: port(`internal-${id}`) });
      if (known * 2 <= brokers) throw new Error(`only ${known} of ${brokers} brokers are at work`);
      await probeKafka({ host: '127.0.0.1', port: port(`client-${id}`) }, security !== undefined);
    },
  };
}

/**
 * Kafka writes to the page cache and leaves the flushing to the system (`log.flush.*` unset), like every installation that
 * follows its makers: a record survives the end of the process, and that of a machine by being on other machines.
 */
function settings(
  { directory, port, advertised, brokers, security }: Setup,
  id: number,
): Record<string, string | number> {
  const listeners = (kinds: readonly string[], at = port) =>
    kinds.map((kind) => `${kind}://127.0.0.1:${at(`${kind.toLowerCase()}-${id}`)}`).join(',');
  const replicas = Math.min(3, brokers);
  const inSync = Math.min(2, replicas);
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': each(brokers)
      .map((voter) => `${voter}@127.0.0.1:${port(`controller-${voter}`)}`)
      .join(','),
    listeners: listeners(['CLIENT', 'INTERNAL', 'CONTROLLER']),
    'advertised.listeners': listeners(['CLIENT', 'INTERNAL'], advertised),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': `CLIENT:${security ? 'SASL_SSL' : 'PLAINTEXT'},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'log.dirs': join(directory, `data-${id}`),
    // A misspelt topic is an error and no new topic, and a topic has the partitions that were asked for.
    'auto.create.topics.enable': 'false',
    // An answer to acks=all means that two brokers have it, where there are three.
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    // The default of 50 is made for many groups, and takes seconds on a small machine.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    // A broker that was killed may come back only when its session has ended; the default is 9 s.
    'broker.session.timeout.ms': 4000,
    'broker.heartbeat.interval.ms': 500,
    ...(security && secured(security, directory)),
  };
}

function secured({ user, password }: Security, directory: string): Record<string, string> {
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(directory, keystore),
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': `${login} required user_${user}="${password}";`,
  };
}

const properties = (values: Record<string, string | number>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
