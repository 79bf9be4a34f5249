import { type Address, probeAmqp, probeKafka, probeNats, probeNsqd, probeNsqlookupd, probeRedis } from './probe';
import type { BrokerName } from './recipe';

/** Environment variables by which services find brokers. */
export type BrokerEnv = Readonly<Record<string, string | undefined>>;

/** By broker, the variables that tell where it is. */
export const brokerVariables: Readonly<Record<BrokerName, readonly string[]>> = {
  kafka: ['KAFKA_BROKERS'],
  rabbitmq: ['AMQP_URL'],
  nats: ['NATS_URL'],
  nsq: ['NSQD_ADDRESSES', 'NSQLOOKUPD_ADDRESSES'],
  redis: ['REDIS_URL'],
};

/** The addresses in a list like `127.0.0.1:9092,127.0.0.1:9093` or `nats://localhost:4222`. Throws on one without a port. */
export function addressesIn(list: string): Address[] {
  return list.split(',').map((text) => {
    const url = /^\w+:\/\//.test(text.trim()) ? text.trim() : `tcp://${text.trim()}`;
    const { hostname, port } = URL.canParse(url) ? new URL(url) : { hostname: '', port: '' };
    if (!hostname || !port) throw new Error(`"${text}" is not the address of a broker: host and port are needed.`);
    return { host: hostname, port: Number(port) };
  });
}

/** Resolves with the version, if it tells, when the broker speaks at every address of its variables; rejects otherwise. */
export const speaks = async (name: BrokerName, env: BrokerEnv): Promise<string> =>
  (await questions[name](env))[0] ?? '?';

const questions: Record<BrokerName, (env: BrokerEnv) => Promise<string[]>> = {
  kafka: ({ KAFKA_BROKERS = '' }) =>
    all(KAFKA_BROKERS, async (address) => {
      await probeKafka(address).catch(() => probeKafka(address, true));
      return '?'; // it does not tell
    }),
  rabbitmq: ({ AMQP_URL = '' }) => all(AMQP_URL, (address) => probeAmqp(address, AMQP_URL.startsWith('amqps:'))),
  nats: ({ NATS_URL = '' }) => all(NATS_URL, probeNats),
  redis: ({ REDIS_URL = '' }) => all(REDIS_URL, (address) => probeRedis(address, REDIS_URL.startsWith('rediss:'))),
  nsq: async ({ NSQD_ADDRESSES = '', NSQLOOKUPD_ADDRESSES = '' }) =>
    (await Promise.all([all(NSQD_ADDRESSES, probeNsqd), all(NSQLOOKUPD_ADDRESSES, probeNsqlookupd)])).flat(),
};

const all = async (list: string, probe: (address: Address) => Promise<string>) =>
  Promise.all(addressesIn(list).map(probe));
