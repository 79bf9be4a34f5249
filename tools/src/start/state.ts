import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, stopLeftover } from '@order-events/testing';
import { writePrivately } from './files';

/** A process, with the command line that tells it from a later one of the same pid. */
export interface ProcessRecord {
  pid: number;
  command_line: string;
}

export interface InstanceRecord extends ProcessRecord {
  name: string;
  service: string;
  /** By the variable that tells the service: PORT, OPERATOR_PORT, SMTP_PORT. */
  ports: Record<string, number>;
}

/** What a running system tells of itself in its data directory, for the tools that look at it. */
export interface SystemState {
  supervisor: ProcessRecord;
  /** Of the sandbox too. A process that is being started again is missing. */
  instances: InstanceRecord[];
  postgres: { pid?: number; port: number };
  /** By database; with the rights of the service. */
  database_urls: Record<string, string>;
  /** Of the customers' HTTP interface, one a replica. */
  api_urls: string[];
  sandbox_url: string;
  /** Of the operator routes of all services. */
  operator_token: string;
}

export const stateFile = (dataDirectory: string) => join(dataDirectory, 'system.json');
export const postgresDirectory = (dataDirectory: string) => join(dataDirectory, 'postgres');

export const processRecord = (pid: number): ProcessRecord => ({ pid, command_line: commandLine(pid) });
const isAlive = ({ pid, command_line }: ProcessRecord) => command_line !== '' && commandLine(pid) === command_line;

export function readState(dataDirectory: string): SystemState {
  const file = stateFile(dataDirectory);
  if (!existsSync(file)) throw new Error(`No system is running here: there is no ${file}. Start one with npm start.`);
  return JSON.parse(readFileSync(file, 'utf8')) as SystemState;
}

export function writeState(dataDirectory: string, state: SystemState): void {
  writePrivately(stateFile(dataDirectory), state);
}

/**
 * Ends what a supervisor that was killed has left behind. Services end by themselves when it is gone, so they are only
 * waited for, and killed when that takes too long. Rejects when the supervisor is alive.
 */
export async function clearLeftovers(dataDirectory: string, say: (line: string) => void): Promise<void> {
  if (existsSync(stateFile(dataDirectory))) {
    const { supervisor, instances } = readState(dataDirectory);
    if (isAlive(supervisor)) {
      throw new Error(
        `A system with its data in ${dataDirectory} is running already (pid ${supervisor.pid}). ` +
          'Stop it, or set DATA_DIR and PORT_OFFSET to run another one beside it.',
      );
    }
    await Promise.all(instances.map((instance) => waitForEnd(instance, say)));
    rmSync(stateFile(dataDirectory));
  }
  await stopLeftover(postgresDirectory(dataDirectory));
}

async function waitForEnd(instance: InstanceRecord, say: (line: string) => void): Promise<void> {
  if (isAlive(instance)) say(`${instance.name} of the run before is still alive; waiting for its end`);
  const deadline = performance.now() + 10_000;
  while (isAlive(instance)) {
    if (performance.now() > deadline) process.kill(instance.pid, 'SIGKILL');
    await sleep(50);
  }
}
