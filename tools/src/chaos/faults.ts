import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '@order-events/testing';
import type { Random } from '../simulate/random';
import type { System } from '../start';
import type { Disk } from './disk';
import { recoveryOf, type Recovery } from './recovery';

export interface FaultOptions {
  system: System;
  /** What stands between the services and Postgres. */
  network: FaultProxy;
  /** That Postgres writes to; undefined where there can be none that gets full. */
  disk: Disk | undefined;
  random: Random;
  signal: AbortSignal;
  say: (line: string) => void;
}

export interface Faults {
  /** How often what was done to whom. */
  counts: ReadonlyMap<string, number>;
  recoveries: readonly Recovery[];
}

/** Longer than a lease lasts: whoever wakes up after it must find that others have taken over. */
const LONGEST_STOP_MS = 12_000;
const LONGEST_CUT_MS = 4_000;
const LONGEST_FULL_MS = 8_000;

type Fault = (options: FaultOptions, recoveries: Recovery[]) => Promise<string | undefined>;

/** The faults, as often as they stand here. */
const faults: readonly Fault[] = [kill, kill, kill, kill, kill, kill, stop, cut, slow, silence, full];

/**
 * Does one thing after the other to a running system until the signal is aborted: kill -9 of any process, Postgres and
 * the broker among them, processes that stand still for a while, a network to Postgres that breaks, crawls or says
 * nothing, and a disk of Postgres that is full. What is killed is brought back by the system; everything else is over when this resolves.
 */
export async function disturb(options: FaultOptions): Promise<Faults> {
  const { random, signal, say } = options;
  const counts = new Map<string, number>();
  const recoveries: Recovery[] = [];
  while (!signal.aborted) {
    await pause(random.between(1_000, 4_000), signal);
    if (signal.aborted) break;
    const what = await random.pick(faults)(options, recoveries);
    if (what === undefined) continue;
    counts.set(what, (counts.get(what) ?? 0) + 1);
    say(what);
  }
  return { counts, recoveries };
}

function kill({ system, random, signal }: FaultOptions, recoveries: Recovery[]): Promise<string | undefined> {
  const name = pickUp(system, system.processes, random);
  if (name === undefined) return Promise.resolve(undefined);
  const pid = system.pid(name)!;
  system.kill(name, 'SIGKILL');
  if (system.instances.some((instance) => instance.name === name))
    void recoveryOf(system, name, pid, signal).then((recovery) => recovery && recoveries.push(recovery));
  return Promise.resolve(`killed ${name}`);
}

async function stop({ system, random, signal }: FaultOptions): Promise<string | undefined> {
  const name = pickUp(
    system,
    system.instances.map((instance) => instance.name),
    random,
  );
  if (name === undefined) return undefined;
  const pid = system.pid(name)!;
  system.kill(name, 'SIGSTOP');
  await pause(random.between(1_000, LONGEST_STOP_MS), signal);
  if (system.pid(name) === pid) system.kill(name, 'SIGCONT');
  return `stopped ${name} for a while`;
}

function cut({ network }: FaultOptions): Promise<string> {
  network.cut();
  return Promise.resolve('cut all connections to Postgres');
}

async function slow({ network, random, signal }: FaultOptions): Promise<string> {
  network.slow({ delayMs: random.between(20, 200) });
  await pause(random.between(1_000, LONGEST_CUT_MS), signal);
  await network.heal();
  return 'slowed the network to Postgres';
}

async function silence({ network, random, signal }: FaultOptions): Promise<string> {
  network.blackHole();
  await pause(random.between(1_000, LONGEST_CUT_MS), signal);
  await network.heal();
  return 'silenced the network to Postgres';
}

async function full({ disk, random, signal }: FaultOptions): Promise<string | undefined> {
  if (!disk) return undefined;
  disk.fill();
  try {
    await pause(random.between(2_000, LONGEST_FULL_MS), signal);
  } finally {
    disk.free();
  }
  return 'filled the disk of Postgres';
}

/** One of those that are up. */
function pickUp(system: System, names: readonly string[], random: Random): string | undefined {
  const up = names.filter((name) => system.pid(name) !== undefined);
  return up.length > 0 ? random.pick(up) : undefined;
}

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined);
