import type { Security } from './security';

export const brokerNames = ['kafka', 'rabbitmq', 'nats', 'nsq', 'redis'] as const;
export type BrokerName = (typeof brokerNames)[number];

/** Receives what is going on, line by line. */
export type Say = (line: string) => void;

/** A broker that this machine cannot run. The message says what is missing, and what to do about it. */
export class BrokerUnavailable extends Error {
  constructor(
    readonly broker: BrokerName,
    readonly reason: string,
  ) {
    super(`${broker} is unavailable: ${reason}`);
    this.name = 'BrokerUnavailable';
  }
}

/** One process of a broker. */
export interface Part {
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Text that stands on the command line of this process and of no other. */
  mark: string;
  /** Not the broker itself, only something that it needs: not what a test means to kill. */
  helper?: true;
  /** Resolves when it does its work; rejects when it does not do it yet. */
  probe(): Promise<unknown>;
}

export interface Setup {
  /** For everything that belongs to this one broker. */
  directory: string;
  /** What `install` gave. */
  programs: string;
  /** By the names that `ports` gives. */
  port(name: string): number;
  /** At which clients find what listens there: another where something stands between. */
  advertised(name: string): number;
  /** How many servers of the kind that can be had more than once. */
  brokers: number;
  /** TLS and a password; without it neither. */
  security?: Security;
  /** NATS without JetStream. */
  coreOnly?: boolean;
}

export interface Layout {
  /** The environment variables by which a service finds the broker. */
  env: Readonly<Record<string, string>>;
  /** By path inside the directory. */
  files: Readonly<Record<string, string>>;
  /** Done once in the life of a directory, after the files are written. */
  prepare?(): Promise<unknown>;
  /** Those of a row are started at the same time, when those of the row before do their work. */
  parts: readonly (readonly Part[])[];
}

/** How to get a broker that runs without containers, and how to run it. */
export interface Recipe {
  name: BrokerName;
  /** `npm run brokers` starts so many servers, and a test that does not ask for more. */
  brokers: number;
  /** What this machine lacks; undefined when `install` can be tried. Changes nothing. */
  missing(): string | undefined;
  /** Makes sure that the programs are there, which takes a while the first time, and tells their folder and version. */
  install(say: Say): Promise<{ programs: string; version: string }>;
  /** The ports that it listens on, with their usual numbers. Those for clients begin with `client`. */
  ports(brokers: number): Readonly<Record<string, number>>;
  layout(setup: Setup): Layout;
}
