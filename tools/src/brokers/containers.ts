import type { BrokerName } from '@order-events/testing';
import type { Place } from './place';

export interface Container {
  /** Of the container, and of the volume that keeps its data. */
  name: string;
  image: string;
  /** Ports of 127.0.0.1, the same inside. */
  ports: readonly number[];
  options: readonly string[];
  /** A file of settings, by its name in the place's directory and its path in the container. */
  file?: { name: string; content: string; inside: string };
  args: readonly string[];
}

/** The names of all that Docker keeps for the place begin with it. */
export const prefix = ({ name, ports }: Place) => `order-events-${name}-${Math.min(...Object.values(ports))}`;
export const network = (place: Place) => `${prefix(place)}-network`;

/** The official images, pinned, with the settings that the native ones have. */
export function containersOf(place: Place): Container[] {
  return layouts[place.name](place, (use) => place.ports[use]!);
}

const layouts: Record<BrokerName, (place: Place, port: (use: string) => number) => Container[]> = {
  kafka(place, port) {
    const env = {
      NODE_ID: 1,
      PROCESS_ROLES: 'broker,controller',
      CONTROLLER_QUORUM_VOTERS: `1@localhost:${port('controller-1')}`,
      LISTENERS: `CLIENT://:${port('client-1')},CONTROLLER://:${port('controller-1')}`,
      ADVERTISED_LISTENERS: `CLIENT://127.0.0.1:${port('client-1')}`,
      CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      INTER_BROKER_LISTENER_NAME: 'CLIENT',
      LISTENER_SECURITY_PROTOCOL_MAP: 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      LOG_DIRS: '/var/lib/kafka/data',
      AUTO_CREATE_TOPICS_ENABLE: false,
      MIN_INSYNC_REPLICAS: 1,
      OFFSETS_TOPIC_REPLICATION_FACTOR: 1,
      TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1,
      TRANSACTION_STATE_LOG_MIN_ISR: 1,
      SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: 1,
      SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: 1,
      GROUP_INITIAL_REBALANCE_DELAY_MS: 0,
    };
    const options = Object.entries(env).flatMap(([variable, value]) => ['--env', `KAFKA_${variable}=${value}`]);
    const volume = ['--volume', `${prefix(place)}:/var/lib/kafka/data`];
    const ports = [port('client-1')];
    return [{ name: prefix(place), image: 'apache/kafka:4.1.0', ports, options: [...volume, ...options], args: [] }];
  },

  rabbitmq(place, port) {
    const config = `listeners.tcp.default = ${port('client')}\nmanagement.tcp.port = ${port('management')}\nloopback_users = none\n`;
    const file = { name: 'docker-rabbitmq.conf', content: config, inside: '/etc/rabbitmq/conf.d/90-order-events.conf' };
    // The name of the node, which is made from the host's, is part of the name of its data.
    const options = ['--hostname', 'order-events', '--volume', `${prefix(place)}:/var/lib/rabbitmq`];
    const ports = [port('client'), port('management')];
    return [{ name: prefix(place), image: 'rabbitmq:4.1.0-management', ports, options, file, args: [] }];
  },

  nats(place, port) {
    const config = `port: ${port('client')}\nhttp: ${port('monitor')}\njetstream { store_dir: "/data", sync_interval: always }\n`;
    const file = { name: 'docker-nats.conf', content: config, inside: '/order-events.conf' };
    const options = ['--volume', `${prefix(place)}:/data`];
    const ports = [port('client'), port('monitor')];
    return [{ name: prefix(place), image: 'nats:2.15.2', ports, options, file, args: ['-c', file.inside] }];
  },

  redis(place, port) {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];
    const args = ['redis-server', '--port', String(port('client')), ...durable];
    const options = ['--volume', `${prefix(place)}:/data`];
    return [{ name: prefix(place), image: 'redis:7.2.5', ports: [port('client')], options, args }];
  },

  nsq(place, port) {
    const image = 'nsqio/nsq:v1.3.0';
    const lookup = `${prefix(place)}-nsqlookupd`;
    const inNetwork = ['--network', network(place)];
    const nsqd = (id: number): Container => ({
      name: `${prefix(place)}-nsqd-${id}`,
      image,
      ports: [port(`client-${id}`), port(`http-${id}`)],
      options: [...inNetwork, '--volume', `${prefix(place)}-${id}:/data`],
      args: [
        '/nsqd',
        '--data-path=/data',
        `--tcp-address=0.0.0.0:${port(`client-${id}`)}`,
        `--http-address=0.0.0.0:${port(`http-${id}`)}`,
        '--broadcast-address=127.0.0.1',
        `--lookupd-tcp-address=${lookup}:${port('lookup-tcp')}`,
        `--node-id=${id}`,
        '--mem-queue-size=0',
        '--sync-every=1',
      ],
    });
    const addresses = [
      `--tcp-address=0.0.0.0:${port('lookup-tcp')}`,
      `--http-address=0.0.0.0:${port('client-lookup')}`,
    ];
    return [
      { name: lookup, image, ports: [port('client-lookup')], options: inNetwork, args: ['/nsqlookupd', ...addresses] },
      nsqd(1),
      nsqd(2),
    ];
  },
};
