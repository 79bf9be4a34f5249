import type { ParseArgsConfig } from 'node:util';
import type { Services } from './services';

export type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface Call {
  services: Services;
  /** What stands behind the command's name. */
  args: readonly string[];
  /** Options by their names. */
  values: Values;
}

export interface Result {
  /** For people. */
  text: string;
  /** For programs: JSON. */
  data: unknown;
  /** Nothing is there of what was asked for. */
  failed?: boolean;
}

export interface Command {
  /** One or two words. */
  name: string;
  /** Names of what must stand behind it. */
  args: readonly string[];
  options: NonNullable<ParseArgsConfig['options']>;
  /** Names of those without which it is not understood. */
  needs?: readonly string[];
  does: string;
  run(call: Call): Promise<Result>;
}

/** The command line is not one that there is. */
export class UsageError extends Error {
  override name = 'UsageError';
}
