import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from '../processes';
import { removeInstance } from './instance';

const prefix = 'order-events-brokers-';

/** Where the brokers of one test run live, each in a folder of its own. Jest's workers get it by their environment. */
const variable = 'TEST_BROKERS_DIRECTORY';

/** For Jest's global setup: makes the folder for this run's brokers, and ends what runs that were killed have left. */
export async function openBrokerRun(): Promise<void> {
  // The folders carry the pid of their run.
  const abandoned = readdirSync(tmpdir()).filter(
    (name) => name.startsWith(prefix) && commandLine(Number.parseInt(name.slice(prefix.length))) === '',
  );
  for (const name of abandoned) await removeRun(join(tmpdir(), name));
  process.env[variable] = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}

/** For Jest's global teardown: ends all brokers of this run, those that a test has left running too. */
export async function closeBrokerRun(): Promise<void> {
  await removeRun(runDirectory());
}

/** Ends all brokers whose folders are in this one, and deletes it. */
export async function removeRun(directory: string): Promise<void> {
  await Promise.all(readdirSync(directory).map((name) => removeInstance(join(directory, name))));
  rmSync(directory, { recursive: true, force: true });
}

export function runDirectory(): string {
  const directory = process.env[variable];
  if (!directory) throw new Error(`${variable} is not set: the global setup of Jest sets it.`);
  return directory;
}
