import { readOptions } from '../command-line';
import { bugs, notice } from './bugs';
import { profiles, type Profile } from './profiles';
import { failureOf, Summary } from './report';
import { Simulation } from './simulation';
import { loadWorkspace } from './workspace';

const SEEDS = 1_000;
/** So that a long run is seen to go on. */
const PROGRESS_EVERY = 500;

const USAGE = `Usage: npm run simulate -- [options]

  --seeds N      how many runs (${SEEDS}; with --seed 1)
  --seed N       the first of them (1)
  --profile P    one broker for all: ${profiles.map(({ name }) => name).join(', ')} (else each seed chooses)
  --trace        each step on a line
  --bugs         the planted bugs instead: by which seed each is noticed`;

/**
 * `npm run simulate`: runs seed after seed; exit code 1 when something did not hold. With `--bugs` it runs the planted bugs
 * instead, and fails when one of them is not noticed.
 */
async function main(): Promise<void> {
  const values = readOptions(USAGE, {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    profile: { type: 'string' },
    trace: { type: 'boolean', default: false },
    bugs: { type: 'boolean', default: false },
  });
  if (values.bugs) return runBugs();
  const first = numberOf(values.seed ?? '1', '--seed');
  const count = numberOf(values.seeds ?? String(values.seed === undefined ? SEEDS : 1), '--seeds');
  const profile = profileOf(values.profile);
  const print = values.trace ? say : undefined;

  const workspace = loadWorkspace();
  const summary = new Summary();
  for (let seed = first; seed < first + count; seed++) {
    const result = await new Simulation({ seed, workspace, profile, print }).run();
    summary.add(result);
    if (result.violation !== undefined) say(failureOf(result, values.profile));
    else if (values.trace) say(`seed ${seed} (${result.profile}): hash ${result.hash}`);
    if ((seed - first + 1) % PROGRESS_EVERY === 0) process.stderr.write(`${summary.toString()}\n`);
  }
  say(summary.toString());
  if (summary.failed > 0) process.exitCode = 1;
}

async function runBugs(): Promise<void> {
  const workspace = loadWorkspace();
  for (const bug of bugs) {
    const result = await notice(workspace, bug);
    if (!result) process.exitCode = 1;
    say(`${bug.name}: ${result ? `seed ${result.seed}, ${result.violation}` : `NOT NOTICED by ${bug.within} seeds`}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function numberOf(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${option} must be a whole number from 1 on`);
  return number;
}

function profileOf(name: string | undefined): Profile | undefined {
  if (name === undefined) return undefined;
  const profile = profiles.find((profile) => profile.name === name);
  if (!profile) throw new Error(`--profile must be one of ${profiles.map(({ name }) => name).join(', ')}`);
  return profile;
}

// Whoever reads a trace by `head` or `less` stops before its end.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1));

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
