import { loadConfig, settings, type SettingName } from '@order-events/service-kit';
import { defaultPostgresPort } from './ports';
import type { Programs } from './services';

export type Network = (to: 'Postgres' | 'broker', port: number) => Promise<number>;

export interface SystemOptions {
  dataDirectory: string;
  /** Added to every port. */
  portOffset?: number;
  /** Processes of each service; from the ninth on their ports would meet others. */
  replicas?: number;
  /** Throw the data of earlier runs away. */
  fresh?: boolean;
  /** The address that services listen on. */
  host?: string;
  /** Of the data of Postgres; by default in the data directory. */
  postgresDirectory?: string;
  /** Told where Postgres or a broker listens, it resolves with the port at which services find it: of a network that a test can disturb. */
  network?: Network;
  /** Gives the writer for the log lines of one process; `start` is the supervisor itself. */
  log: (name: string) => (line: string) => void;
  /** What to start instead of the system's own. */
  programs?: Programs;
}

/** Each process is given its own, whatever our environment says. */
const given: readonly SettingName[] = ['PORT', 'OPERATOR_PORT', 'SMTP_PORT', 'DATABASE_URL'];

/**
 * Refuses what no process could be started with, before one is.
 * @throws with what is wrong with an option, or with the settings in our environment that are handed on
 */
export function checkOptions({ replicas, portOffset }: { replicas: number; portOffset: number }): void {
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 8) throw new Error('--replicas must be 1 to 8.');
  const largest = 65_535 - defaultPostgresPort;
  if (!Number.isInteger(portOffset) || portOffset < 0 || portOffset > largest) {
    throw new Error(`PORT_OFFSET must be a whole number from 0 to ${largest}.`);
  }
  const names = Object.keys(settings) as SettingName[];
  loadConfig(names.filter((name) => name === 'TRANSPORT' || (process.env[name] && !given.includes(name))));
}
