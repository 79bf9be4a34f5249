import { join } from 'node:path';

/** A variable that tells a service on which port to listen. */
export type PortVariable = 'PORT' | 'OPERATOR_PORT' | 'SMTP_PORT';

/** A program of the system, as it is started by default. */
export interface Service {
  name: string;
  /** Its own database, and the name of the role that it uses it with. */
  database: string;
  /** The entry that runs it. */
  main: string;
  ports: Partial<Record<PortVariable, number>>;
  /** The port that answers `/readyz`. */
  ready: PortVariable;
  /** Several of it can work side by side. */
  replicated: boolean;
}

const apps = join(__dirname, '..', '..', '..', 'apps');
const mainOf = (folder: string) => join(apps, folder, 'dist', 'main.js');
const worker = (name: string, operatorPort: number): Service => ({
  name,
  database: name,
  main: mainOf(`${name}-service`),
  ports: { OPERATOR_PORT: operatorPort },
  ready: 'OPERATOR_PORT',
  replicated: true,
});

export interface Programs {
  /** Prepares what all services stand on, and ends. */
  setup: string;
  /** In the order in which they are started. */
  services: readonly Service[];
}

/** Of the real services. */
export const services: readonly Service[] = [
  {
    name: 'sandbox',
    database: 'sandbox',
    main: mainOf('sandbox'),
    ports: { PORT: 3900, SMTP_PORT: 1025 },
    ready: 'PORT',
    replicated: false,
  },
  {
    name: 'order-api',
    database: 'order_api',
    main: mainOf('order-api'),
    ports: { PORT: 3000, OPERATOR_PORT: 3001 },
    ready: 'OPERATOR_PORT',
    replicated: true,
  },
  worker('inventory', 3011),
  worker('payment', 3021),
  worker('logistics', 3031),
  worker('email', 3041),
];

/** The system's own. */
export const programs: Programs = { setup: mainOf('setup'), services };

/** One process of a service. */
export interface Instance {
  /** The service's name, from the second on with a number: `inventory-2`. */
  name: string;
  service: Service;
  /** From 0. */
  replica: number;
  ports: Partial<Record<PortVariable, number>>;
}

/** Replicas listen 100 ports apart. */
export function instancesOf(table: readonly Service[], replicas: number, portOffset: number): Instance[] {
  return table.flatMap((service) =>
    Array.from({ length: service.replicated ? replicas : 1 }, (_, i) => ({
      name: i === 0 ? service.name : `${service.name}-${i + 1}`,
      service,
      replica: i,
      ports: Object.fromEntries(
        Object.entries(service.ports).map(([variable, port]) => [variable, port + portOffset + 100 * i]),
      ),
    })),
  );
}
