import type { Command } from './command';

/** What stands behind an option, and what it does. */
const OPTIONS: Readonly<Record<string, readonly [value: string, does: string]>> = {
  group: ['GROUP', 'those of this consumer group; of group relay: events that the broker refused'],
  since: ['TIME', 'with its zone, such as 2026-11-21T10:00:00Z'],
  topic: ['TYPE', 'of this type, such as order.created'],
  type: ['TYPE', 'those of this type, such as order.created'],
  key: ['ID', 'those of this order'],
  id: ['ID', 'this event'],
  error: ['TEXT', 'those with this text in their last error'],
  'older-than': ['AGE', 'those that died longer ago than 90s, 10m, 2h or 3d'],
  limit: ['N', 'at most so many'],
  'dry-run': ['', 'changes nothing, and says how many it would be'],
  'per-second': ['N', 'no more than so many a second, in each service'],
  reason: ['TEXT', 'why; needed for everything but a dry run, and kept'],
  action: ['ACTION', 'redrive, discard, pause, resume, audit, replay, refund, stock or product'],
  actor: ['NAME', 'who; kept with what is done, and by default the name of your account'],
};

const SETTINGS = `Every command takes --json, for programs, and --help.

Settings, from the environment:
  OE_SERVICES     where the operator routes are, inventory=http://host:3011,…
  OPERATOR_TOKEN  of the operator routes
  DATA_DIR        the one that npm start had, .data by default: where both are found when they are not given

Exit codes: 0 done · 1 not found or refused · 2 not a command, a setting or a value that there is
            3 a service did not answer; what the others answered is shown`;

/** How to use these commands. */
export function help(commands: readonly Command[]): string {
  const usages = commands.map(({ name, args, options, needs = [], does }) => {
    const given = Object.keys(options).map((option) => (needs.includes(option) ? ` --${option}` : ` [--${option}]`));
    return `  ${[name, ...args].join(' ')}${given.join('')}\n      ${does}`;
  });
  const used = Object.entries(OPTIONS).filter(([option]) => commands.some(({ options }) => option in options));
  const options = used.map(([option, [value, does]]) => `  ${`--${option} ${value}`.padEnd(19)} ${does}`);
  const parts = [`Usage: npm run oe -- COMMAND\n\n${usages.join('\n')}`, SETTINGS];
  if (options.length > 0) parts.splice(1, 0, options.join('\n'));
  return parts.join('\n\n');
}
