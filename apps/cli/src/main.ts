import { parseArgs } from 'node:util';
import { UsageError, type Command } from './command';
import { actionCommands } from './commands/actions';
import { auditCommands } from './commands/audit';
import { consumptionCommands } from './commands/consumption';
import { deadLetterCommands } from './commands/dead-letters';
import { lagCommands } from './commands/lag';
import { orderCommands } from './commands/orders';
import { overdueCommands } from './commands/overdue';
import { replayCommands } from './commands/replay';
import { stockCommands } from './commands/stock';
import { help } from './help';
import { RefusedError, Services } from './services';
import { addresses, operatorToken } from './settings';

const COMMANDS = [
  ...orderCommands,
  ...overdueCommands,
  ...deadLetterCommands,
  ...lagCommands,
  ...auditCommands,
  ...replayCommands,
  ...stockCommands,
  ...consumptionCommands,
  ...actionCommands,
];
const COMMON = { json: { type: 'boolean' }, help: { type: 'boolean' } } as const;
const EXIT = { done: 0, wrong: 1, usage: 2, silent: 3 } as const;

/** Returns the exit code. */
async function main(line: readonly string[]): Promise<number> {
  const meant = COMMANDS.filter(({ name }) => isAbout(name, line));
  if (line.includes('--help') || line.length === 0) {
    say(help(meant.length > 0 ? meant : COMMANDS));
    return line.length === 0 ? EXIT.usage : EXIT.done;
  }
  const command = meant.find(({ name }) => name.split(' ').every((word, index) => line[index] === word));
  if (!command) throw new UsageError(`There is no such command: ${line.join(' ')}`);
  const { values, positionals } = parse(command, line.slice(command.name.split(' ').length));
  const services = new Services(addresses(process.env), operatorToken(process.env));
  const { text, data, failed } = await command.run({ services, args: positionals, values });
  for (const { service, url, reason } of services.silent) complain(`${service} did not answer at ${url}: ${reason}`);
  if (values.json === true) say(JSON.stringify({ data, silent: services.silent }, null, 2));
  else if (text) say(text);
  if (services.silent.length > 0) return EXIT.silent;
  return failed ? EXIT.wrong : EXIT.done;
}

/** Whether the line begins as the command does, as far as it goes. */
function isAbout(name: string, line: readonly string[]): boolean {
  const words = line.filter((word) => !word.startsWith('-'));
  return (
    words.length > 0 && name.split(' ').every((word, index) => words[index] === undefined || words[index] === word)
  );
}

function parse({ name, args, options }: Command, rest: readonly string[]) {
  try {
    const parsed = parseArgs({ args: [...rest], options: { ...options, ...COMMON }, allowPositionals: true });
    if (parsed.positionals.length === args.length)
      return { ...parsed, values: parsed.values as Record<string, string | boolean | undefined> };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  throw new UsageError(`${name} takes ${args.length > 0 ? args.join(' ') : 'nothing'} behind it.`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    if (error instanceof UsageError) complain(`${error.message}\nnpm run oe -- --help says what there is.`);
    else complain(error instanceof RefusedError ? error.message : String(error.stack));
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.wrong;
  },
);
