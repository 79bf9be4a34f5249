import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { services } from '@order-events/contracts';
import { UsageError } from './command';

const PORTS: Readonly<Record<(typeof services)[number], number>> = {
  'order-api': 3001,
  inventory: 3011,
  payment: 3021,
  logistics: 3031,
  email: 3041,
};

/** Where the operator routes are, by service: `OE_SERVICES`, or where `npm start` puts them. */
export function addresses({ OE_SERVICES, PORT_OFFSET = '0' }: NodeJS.ProcessEnv): Map<string, string> {
  if (!OE_SERVICES) {
    const offset = Number(PORT_OFFSET);
    if (!Number.isInteger(offset)) throw new UsageError(`PORT_OFFSET must be a whole number: ${PORT_OFFSET}`);
    return new Map(services.map((service) => [service, `http://127.0.0.1:${PORTS[service] + offset}`]));
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

/** `OPERATOR_TOKEN`, or the one of the system that runs from `DATA_DIR`. */
export function operatorToken({ OPERATOR_TOKEN, DATA_DIR = '.data' }: NodeJS.ProcessEnv): string {
  if (OPERATOR_TOKEN) return OPERATOR_TOKEN;
  const file = join(DATA_DIR, 'system.json');
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { operator_token: string }).operator_token;
  } catch (error) {
    const why = `there is no running system to take it from (${(error as Error).message})`;
    throw new UsageError(`The operator's token is not known: OPERATOR_TOKEN is not set, and ${why}.`);
  }
}
