import type { Broker } from './broker';
import type { DatabaseUrls } from './databases';
import type { Secrets } from './secrets';
import type { Instance } from './services';

export interface Surroundings {
  host: string;
  databases: Readonly<Record<string, DatabaseUrls>>;
  broker: Pick<Broker, 'env'>;
  sandboxPorts: Instance['ports'];
  operatorToken: string;
}

/** Where a program that listens on `host` is reached from this machine. */
export const reachable = (host: string) => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host);

/** The token of all operator routes: the one that our own environment names, else the one that is kept with the data. */
export const operatorTokenFrom = ({ operator }: Secrets) => process.env.OPERATOR_TOKEN || operator!;

/**
 * What a service finds in its environment. Where it listens, its own database and the operator's token are given; what
 * it works with beyond that is given unless our own environment says otherwise, which is how another broker or gateway
 * is tried.
 */
export function serviceEnv({ service, ports }: Instance, surroundings: Surroundings) {
  const { host, databases, broker, sandboxPorts, operatorToken } = surroundings;
  const sandbox = `http://${reachable(host)}:${sandboxPorts.PORT}`;
  return {
    TRANSPORT: 'postgres',
    GATEWAY_URL: `${sandbox}/gateway`,
    CARRIER_URL: `${sandbox}/carrier`,
    SMTP_URL: `smtp://${reachable(host)}:${sandboxPorts.SMTP_PORT}`,
    LOG_LEVEL: 'info',
    EVENTS_DATABASE_URL: databases.events?.login,
    ...process.env,
    ...broker.env,
    OPERATOR_TOKEN: operatorToken,
    HOST: host,
    ...Object.fromEntries(Object.entries(ports).map(([variable, port]) => [variable, String(port)])),
    DATABASE_URL: databases[service.database]?.login,
  };
}

/** What the setup of all services finds. */
export function setupEnv(databases: Surroundings['databases'], broker: Surroundings['broker']): NodeJS.ProcessEnv {
  const owners = Object.entries(databases).map(([name, { owner }]) => [
    name === 'events' ? 'OWNER_EVENTS_DATABASE_URL' : `${name.toUpperCase()}_OWNER_DATABASE_URL`,
    owner,
  ]);
  return { TRANSPORT: 'postgres', ...process.env, ...broker.env, ...(Object.fromEntries(owners) as NodeJS.ProcessEnv) };
}
