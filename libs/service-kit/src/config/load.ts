import { z } from 'zod';
import { bridgedOver, bridgeProblems } from './bridge';
import { settings, type Config, type Setting, type SettingName } from './settings';
import { consumedAnyway, consumedFrom, type TransportChoice } from './transports';

/** All that is wrong with the environment, one line each, without the value of any secret. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration is not valid (docs/config.md tells of all settings):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
}

/**
 * Reads the named settings.
 * @param defaults of this service, for settings that have none of their own.
 * @throws ConfigError with every problem at once.
 */
export function loadConfig<N extends SettingName>(
  names: readonly N[],
  defaults: Partial<Record<NoInfer<N>, string | number>> = {},
  env: NodeJS.ProcessEnv = process.env,
): Config<N> {
  const problems: string[] = [];
  const wrong = new Set<SettingName>();
  const config: Record<string, unknown> = {};
  for (const name of names) {
    // An empty variable counts as one that is not set, as compose files and shells write it.
    const value = env[name] === '' ? undefined : env[name];
    const result = z.safeParse(settings[name].schema, value ?? defaults[name]);
    if (result.success) config[name] = result.data;
    else {
      wrong.add(name);
      problems.push(`${name}: ${problem(name, value, result.error)} (${settings[name].description})`);
    }
  }
  const choice: Partial<TransportChoice> = config;
  problems.push(...bridgeProblems(config));
  for (const transport of consumedAnyway(choice))
    problems.push(
      `TRANSPORT_ALSO_CONSUME: ${transport} is published to, so it is consumed anyway; was another one meant, that is moved away from?`,
    );
  const transports = new Map<string, string>([...bridgedOver(config), ...consumedFrom(choice)]);
  for (const name of names) {
    const { neededBy, description }: Setting = settings[name];
    const namedBy = neededBy && transports.get(neededBy);
    if (namedBy && config[name] === undefined && !wrong.has(name))
      problems.push(`${name}: is not set, and ${namedBy} names ${neededBy} (${description})`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as Config<N>;
}

function problem(name: SettingName, value: string | undefined, error: z.ZodError): string {
  if (value === undefined) return 'is not set';
  const shown = 'secret' in settings[name] ? 'its value is not shown' : `is ${JSON.stringify(value)}`;
  return `${error.issues.map(({ message }) => message).join(', ')}; ${shown}`;
}
