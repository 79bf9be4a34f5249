import { readFileSync, statSync } from 'node:fs';
import { type Container, losses } from '../durable';
import { asksWhatItShould } from './health';

/** A service as `docker compose config --format json` describes it. */
export interface Described {
  image: string;
  build?: { args: { APP: string } };
  command?: string[];
  hostname?: string;
  environment?: Record<string, string>;
  volumes?: { type: string; source?: string; target: string }[];
  ports?: { target: number; published: string; host_ip?: string }[];
  profiles?: string[];
  mem_limit?: string;
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  healthcheck?: { disable?: boolean; test?: string[] };
  logging?: { options?: Record<string, string> };
}

export type Services = Readonly<Record<string, Described>>;

const mostBytes = 4e9;
const observability = 'observability';

type Rule = (service: Described) => boolean;

const rules: Readonly<Record<string, Rule>> = {
  'has a memory limit': ({ mem_limit }) => Number(mem_limit) > 0,
  'gives up all capabilities': ({ cap_drop }) => cap_drop?.includes('ALL') === true,
  'gets no new privileges': ({ security_opt }) => security_opt?.includes('no-new-privileges:true') === true,
  'rotates its log': ({ logging }) => logging?.options?.['max-size'] !== undefined,
  'is published on 127.0.0.1 only': ({ ports = [] }) => ports.every(({ host_ip }) => host_ip === '127.0.0.1'),
  'is built here, or of a pinned version': ({ image, build }) => build !== undefined || /:v?\d+\.\d+/.test(image),
  'cannot write to its image, if it is ours': ({ build, read_only }) => build === undefined || read_only === true,
};

/** What a service that goes on running must have, too. */
const health = 'is asked for its health as its image can tell it';

/** What does not keep the rules, in words. @param services of all profiles @param textOf a file that is mounted */
export function violations(services: Services, textOf: TextOf = textOfFile): string[] {
  const named = Object.entries(services);
  const broken = named.flatMap(([name, service]) => {
    const kept: [string, Rule][] = [
      ...Object.entries(rules),
      ...(name === 'setup' ? [] : [[health, asksWhatItShould] as [string, Rule]]),
    ];
    return kept.filter(([, holds]) => !holds(service)).map(([rule]) => `${name}: ${rule}`);
  });
  const lossy = named.flatMap(([name, service]) =>
    losses(containerOf(service, textOf)).map((loss) => `${name}: ${loss}`),
  );
  const profiles = new Set(named.flatMap(([, { profiles: of = [] }]) => of));
  profiles.delete(observability);
  const heavy = [...profiles].filter((profile) => memoryOf(services, profile) >= mostBytes);
  return [...broken, ...lossy, ...heavy.map((profile) => `profile ${profile}: its limits add up to less than 4 GB`)];
}

/**
 * Of a broker's profile: with `setup`, or with what can be looked with. `setup` has ended before the services start; who
 * repeats it beside everything needs more.
 */
function memoryOf(services: Services, profile: string): number {
  const { setup, ...others } = services;
  const limits = (...profiles: string[]) =>
    Object.values(others)
      .filter(({ profiles: of }) => !of || of.some((one) => profiles.includes(one)))
      .reduce((sum, { mem_limit }) => sum + Number(mem_limit), 0);
  return Math.max(limits(profile) + Number(setup?.mem_limit ?? 0), limits(profile, observability));
}

type TextOf = (path: string) => string;

const textOfFile: TextOf = (path) =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : '';

/** A volume without a name is another one after `down` and `up`; a folder of this machine is nobody's to keep. */
function containerOf(service: Described, textOf: TextOf): Container {
  const { image, command = [], environment = {}, hostname, volumes = [] } = service;
  const files = volumes.filter(({ type }) => type === 'bind').map(({ source }) => textOf(source!));
  const kept = volumes.filter(({ type, source }) => type === 'volume' && source).map(({ target }) => target);
  return { image, words: command, env: environment, files: files.join('\n'), kept, hostname };
}
