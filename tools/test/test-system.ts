import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPort, commandLine } from '@order-events/testing';
import { instancesOf, type Programs, services, System, type SystemOptions } from '../src/start';
import { defaultPostgresPort } from '../src/start/ports';

const fake = (file: string) => join(__dirname, 'fake-service', file);

/** The real table of services, with stand-ins for the programs. */
export const fakePrograms: Programs = {
  setup: fake('setup.cjs'),
  services: services.map((service) => ({ ...service, main: fake('main.cjs') })),
};

export interface TestSystem {
  system: System;
  dataDirectory: string;
  portOffset: number;
  /** Everything that was logged, `name | line` each. */
  lines: string[];
  /** Another system on the same data and ports. */
  again(options?: Partial<SystemOptions>): System;
  /** Stops all systems and removes the data. */
  remove(): Promise<void>;
}

/** A system, of stand-ins unless `programs` says otherwise, in a folder and on ports of its own; not started. */
export async function testSystem(options: Partial<SystemOptions> = {}): Promise<TestSystem> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'system-'));
  const { portOffset, release } = await claimPortOffset();
  const lines: string[] = [];
  const log = (name: string) => (line: string) => void lines.push(`${name} | ${line}`);
  const systems: System[] = [];
  const again = (more: Partial<SystemOptions> = {}) => {
    const system = new System({ dataDirectory, portOffset, log, programs: fakePrograms, ...options, ...more });
    systems.push(system);
    return system;
  };
  const remove = async () => {
    for (const system of systems) await system.stop();
    rmSync(dataDirectory, { recursive: true, force: true });
    release();
  };
  return { system: again(), dataDirectory, portOffset, lines, again, remove };
}

export interface PortOffset {
  portOffset: number;
  /** Lets other tests have it. */
  release(): void;
}

/**
 * Chosen so that no two of them put one port to two uses, and none puts a port where `freePort` or the system gives some
 * away, or where fetch refuses to connect, https://fetch.spec.whatwg.org/#port-blocking.
 */
export const portOffsets = Array.from({ length: 18 }, (_, n) => 6500 + 215 * n);

/**
 * An offset at which all ports of two replicas are free. Other tests, in whatever process, get others as long as it is
 * held: to hold one is to listen on a port that stands for it.
 */
export async function claimPortOffset(): Promise<PortOffset> {
  const start = Math.floor(Math.random() * portOffsets.length);
  for (let n = start; ; n = (n + 1) % portOffsets.length) {
    const portOffset = portOffsets[n]!;
    const claim = createServer();
    const isOurs = await new Promise<boolean>((resolve) => {
      claim.once('error', () => resolve(false));
      claim.listen(claimPorts + n, '127.0.0.1', () => resolve(true));
    });
    const release = () => void claim.close();
    if (isOurs && (await areFree(portOffset))) return { portOffset, release };
    if (isOurs) release();
  }
}

/** Each offset has one, in the order of `portOffsets`. */
export const claimPorts = 32_100;

/** All ports of a system with two replicas, without its broker's. */
export const systemPorts = (portOffset: number): number[] => [
  ...instancesOf(services, 2, portOffset).flatMap((instance) => Object.values(instance.ports)),
  defaultPostgresPort + portOffset,
];

async function areFree(portOffset: number): Promise<boolean> {
  return Promise.all(systemPorts(portOffset).map(checkPort)).then(
    () => true,
    () => false,
  );
}

export async function get(url: string): Promise<unknown> {
  const response = await fetch(url);
  return response.json();
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A process that has ended, but was not yet taken note of by its parent, has no command line any more. */
export const isAlive = (pid: number) => commandLine(pid) !== '';
