/** What a broker for development adds to the trial. */
export interface Broker {
  image: string;
  /** One for each claim that its pods make. */
  volumes: readonly string[];
  /** What can be reached at a port of a pod, by the name of the pod's workload. */
  ports: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What of that the services are to reach. */
  open: readonly string[];
  /** What its own pods are to reach, by the name of their workload. */
  reaches: Readonly<Record<string, readonly string[]>>;
}

/** By the name of the transport. Postgres needs none. */
export const brokers: Readonly<Record<string, Broker>> = {
  kafka: {
    image: 'apache/kafka:4.1.0',
    volumes: ['kafka'],
    ports: { kafka: { broker: 9092 } },
    open: ['broker'],
    reaches: { kafka: [] },
  },
  rabbitmq: {
    image: 'rabbitmq:4.1.0-management',
    volumes: ['rabbitmq'],
    ports: { rabbitmq: { broker: 5672, management: 15672 } },
    open: ['broker'],
    reaches: { rabbitmq: [] },
  },
  nats: {
    image: 'nats:2.15.2-alpine',
    volumes: ['nats'],
    ports: { nats: { broker: 4222, monitor: 8222 } },
    open: ['broker'],
    reaches: { nats: [] },
  },
  nsq: {
    image: 'nsqio/nsq:v1.3.0',
    volumes: ['nsqd-0', 'nsqd-1'],
    ports: {
      nsqd: { broker: 4150, 'HTTP of the broker': 4151 },
      nsqlookupd: { registration: 4160, 'look-up': 4161 },
    },
    open: ['broker', 'HTTP of the broker', 'look-up'],
    reaches: { nsqd: ['dns', 'registration'], nsqlookupd: [] },
  },
};

export const transports: readonly string[] = ['postgres', ...Object.keys(brokers)];
