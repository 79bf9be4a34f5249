import { parseArgs, type ParseArgsConfig } from 'node:util';

/**
 * The options of a command. With `--help` it prints how the command is used, and ends the process.
 * @param usage with a line for each option
 * @throws what is wrong with an option, and how the command is used
 */
export function readOptions<const T extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: T,
): ReturnType<typeof parseArgs<{ options: T }>>['values'] {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(`${usage}\n`);
    process.exit();
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${usage}`, { cause: error });
  }
}
