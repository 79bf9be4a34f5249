/** A service as `docker compose config --format json` describes it. */
export interface Described {
  image: string;
  build?: { args: { APP: string } };
  environment?: Record<string, string>;
  ports?: { target: number; published: string; host_ip?: string }[];
  profiles?: string[];
  mem_limit?: string;
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  healthcheck?: { disable?: boolean };
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
const health = 'tells whether it is healthy';
const isAsked: Rule = ({ healthcheck }) => healthcheck !== undefined && healthcheck.disable !== true;

/** What does not keep the rules, in words. @param services of all profiles */
export function violations(services: Services): string[] {
  const named = Object.entries(services);
  const broken = named.flatMap(([name, service]) => {
    const kept: [string, Rule][] = [
      ...Object.entries(rules),
      ...(name === 'setup' ? [] : [[health, isAsked] as [string, Rule]]),
    ];
    return kept.filter(([, holds]) => !holds(service)).map(([rule]) => `${name}: ${rule}`);
  });
  const profiles = new Set(named.flatMap(([, { profiles: of = [] }]) => of));
  profiles.delete(observability);
  const heavy = [...profiles].filter((profile) => memoryOf(services, profile) >= mostBytes);
  return [...broken, ...heavy.map((profile) => `profile ${profile}: its limits add up to less than 4 GB`)];
}

/** Of a broker's profile, with what can be started beside each; `setup` has ended before the others start. */
const memoryOf = (services: Services, profile: string) =>
  Object.entries(services)
    .filter(([name]) => name !== 'setup')
    .filter(([, { profiles }]) => !profiles || profiles.includes(profile) || profiles.includes(observability))
    .reduce((sum, [, { mem_limit }]) => sum + Number(mem_limit), 0);
