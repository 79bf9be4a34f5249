import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

const databases = ['order_api', 'inventory', 'payment', 'logistics', 'email', 'sandbox', 'events'];
const roles = databases.flatMap((name) => [name, `${name}_owner`]);

/** What the Secret `transport` holds beyond the events of Postgres: where the brokers of k8s/components are. */
const addresses: Record<string, (password: string) => Record<string, string>> = {
  postgres: () => ({}),
  kafka: () => ({ KAFKA_BROKERS: 'kafka:9092' }),
  rabbitmq: (password) => ({ AMQP_URL: `amqp://order-events:${password}@rabbitmq:5672` }),
  nats: () => ({ NATS_URL: 'nats://nats:4222' }),
  nsq: () => ({ NSQD_ADDRESSES: 'nsqd-0.nsqd:4150,nsqd-1.nsqd:4150', NSQLOOKUPD_ADDRESSES: 'nsqlookupd:4161' }),
};

/**
 * All Secrets that the manifests refer to, as YAML for `kubectl apply`, for the databases and brokers for development.
 * Every call makes new passwords: a Postgres that has data already keeps those with which it was made.
 * @throws Error for a transport that there is not
 */
export function secrets(transport: string): string {
  const address = addresses[transport];
  if (!address) throw new Error(`There is no transport ${transport}; there are ${Object.keys(addresses).join(', ')}.`);
  const password = () => randomBytes(24).toString('hex');
  const passwords = Object.fromEntries(['postgres', ...roles].map((role) => [role, password()]));
  const broker = password();
  const url = (role: string, database: string) => `postgres://${role}:${passwords[role]}@postgres:5432/${database}`;
  return [
    secret('postgres', passwords),
    ...databases
      .filter((name) => name !== 'events')
      .flatMap((name) => [
        secret(`${name.replaceAll('_', '-')}-database`, { url: url(name, name) }),
        secret(`${name.replaceAll('_', '-')}-database-owner`, { url: url(`${name}_owner`, name) }),
      ]),
    secret('transport', { EVENTS_DATABASE_URL: url('events', 'events'), ...address(broker) }),
    secret('transport-owner', { OWNER_EVENTS_DATABASE_URL: url('events_owner', 'events') }),
    secret('rabbitmq', { user: 'order-events', password: broker }),
    secret('mail', { url: 'smtp://sandbox:1025' }),
    secret('operator', { token: password() }),
  ].join('---\n');
}

const secret = (name: string, stringData: Record<string, string>) =>
  stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });
