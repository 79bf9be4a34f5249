import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Described, Services } from '../../src/compose/rules';

export const root = join(__dirname, '..', '..', '..');

/** A service as it stands in the file, as far as the tests look at it. */
interface Written extends Omit<Described, 'ports' | 'mem_limit' | 'volumes'> {
  ports?: string[];
  mem_limit?: string;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
}

export interface ComposeFile {
  services: Readonly<Record<string, Written>>;
  volumes: Readonly<Record<string, unknown>>;
}

/** The variables of `.env`. */
export function defaults(): Record<string, string> {
  const lines = readFileSync(join(root, '.env'), 'utf8').matchAll(/^(\w+)=(.*)$/gm);
  const variables: Record<string, string> = {};
  for (const [, name, value] of lines) variables[name!] = filledIn(value!, variables);
  return variables;
}

/** docker-compose.yml without any Docker. @throws Error when it uses a variable that is not in `.env` */
export function composeFile(): ComposeFile {
  const text = filledIn(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), defaults());
  return parse(text, { merge: true }) as ComposeFile;
}

/** The services the way Compose itself describes them. */
export const described = ({ services }: ComposeFile): Services =>
  Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      {
        ...service,
        ports: service.ports?.map(portOf),
        volumes: service.volumes?.map(volumeOf),
        mem_limit: bytes(service.mem_limit),
      },
    ]),
  );

function filledIn(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise?: string) => {
    const value = variables[name] ?? otherwise;
    if (value === undefined) throw new Error(`${name} is not in .env.`);
    return value;
  });
}

function portOf(text: string): { target: number; published: string; host_ip?: string } {
  const [target, published, host_ip] = text.split(':').reverse();
  return { target: Number(target), published: published ?? '', host_ip };
}

function volumeOf(text: string): { type: string; source?: string; target: string } {
  const [source = '', target] = text.split(':');
  if (target === undefined) return { type: 'volume', target: source };
  return source.startsWith('.')
    ? { type: 'bind', source: join(root, source), target }
    : { type: 'volume', source, target };
}

function bytes(size = '0'): string {
  const [, number, unit] = /^(\d+)([mg])$/.exec(size) ?? [];
  return String(Number(number ?? 0) * (unit === 'g' ? 1 << 30 : 1 << 20));
}
