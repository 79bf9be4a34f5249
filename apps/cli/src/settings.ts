import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { services } from '@order-events/contracts';
import { UsageError } from './command';

/** Of order-api, where `npm start` puts it without a `PORT_OFFSET`; and the operator routes. */
const PUBLIC_PORT = 3000;
const PORTS: Readonly<Record<(typeof services)[number], number>> = {
  'order-api': 3001,
  inventory: 3011,
  payment: 3021,
  logistics: 3031,
  email: 3041,
};

/** As far as it is needed here; written by `npm start`. */
interface SystemState {
  /** Of order-api's public interface. */
  api_urls: string[];
  operator_token: string;
}

/** Where the operator routes are, by service: `OE_SERVICES`, or where the running system has put them. */
export function addresses({ OE_SERVICES, ...env }: NodeJS.ProcessEnv): Map<string, string> {
  if (!OE_SERVICES) {
    const { hostname, port } = new URL(runningSystem(env).state?.api_urls[0] ?? `http://127.0.0.1:${PUBLIC_PORT}`);
    // All ports are moved by the same number; those of a process that is being started again are not told by themselves.
    const offset = Number(port) - PUBLIC_PORT;
    return new Map(services.map((service) => [service, `http://${hostname}:${PORTS[service] + offset}`]));
  }
  return new Map(
    OE_SERVICES.split(',').map((entry) => {
      const [, name, url] = /^\s*([^=\s]+)=(https?:\/\/\S+?)\/?\s*$/.exec(entry) ?? [];
      if (!name || !url || !URL.canParse(url))
        throw new UsageError(`OE_SERVICES must be a list such as inventory=http://host:3011,…: ${entry}`);
      return [name, url];
    }),
  );
}

/** `OPERATOR_TOKEN`, or that of the running system. */
export function operatorToken({ OPERATOR_TOKEN, ...env }: NodeJS.ProcessEnv): string {
  if (OPERATOR_TOKEN) return OPERATOR_TOKEN;
  const { state, reason } = runningSystem(env);
  if (state) return state.operator_token;
  const why = `there is no running system to take it from (${reason})`;
  throw new UsageError(`The operator's token is not known: OPERATOR_TOKEN is not set, and ${why}.`);
}

/** The system that runs from `DATA_DIR`, or why none is found there. */
function runningSystem({ DATA_DIR = '.data' }: NodeJS.ProcessEnv): { state?: SystemState; reason?: string } {
  try {
    return { state: JSON.parse(readFileSync(join(DATA_DIR, 'system.json'), 'utf8')) as SystemState };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}
