import { z } from 'zod';
import { settings, type Config, type Setting, type SettingName } from './settings';

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
  const config: Record<string, unknown> = {};
  for (const name of names) {
    // An empty variable counts as one that is not set, as compose files and shells write it.
    const value = env[name] === '' ? undefined : env[name];
    const result = z.safeParse(settings[name].schema, value ?? defaults[name]);
    if (result.success) config[name] = result.data;
    else problems.push(`${name}: ${problem(name, value, result.error)} (${settings[name].description})`);
  }
  for (const name of names) {
    const { neededBy, description }: Setting = settings[name];
    if (neededBy !== undefined && neededBy === config['TRANSPORT'] && config[name] === undefined)
      problems.push(`${name}: is not set, and TRANSPORT is ${neededBy} (${description})`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as Config<N>;
}

function problem(name: SettingName, value: string | undefined, error: z.ZodError): string {
  if (value === undefined) return 'is not set';
  const shown = 'secret' in settings[name] ? 'its value is not shown' : JSON.stringify(value);
  return `${error.issues.map(({ message }) => message).join(', ')}; ${shown}`;
}
