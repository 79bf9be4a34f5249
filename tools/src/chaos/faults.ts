import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@order-events/testing';
import type { Random } from '../simulate/random';
import type { System } from '../start';
import { Deck } from './deck';
import type { Disk } from './disk';
import type { End, Network } from './network';
import { recoveryOf, type Killed, type Recovery } from './recovery';
import type { Wire } from './wire';

export interface FaultOptions {
  system: System;
  network: Network;
  /** That Postgres writes to; undefined where there can be none that gets full. */
  disk: Disk | undefined;
  wire: Wire;
  random: Random;
  signal: AbortSignal;
  say: (line: string) => void;
}

export interface Faults {
  /** How often there was what kind of fault. */
  counts: ReadonlyMap<Kind, number>;
  /** Kinds that there can be here, and have not come. */
  untried: readonly Kind[];
  recoveries: readonly Recovery[];
}

/** Longer than a lease lasts: whoever wakes up after it must find that others have taken over. */
const LONGEST_STOP_MS = 12_000;
const LONGEST_CUT_MS = 4_000;
const LONGEST_FULL_MS = 8_000;
const LONGEST_PAUSE_MS = 1_500;
/** Postgres that was starting when its disk was full may wait for five minutes, until its next checkpoint is due. */
const STARTED_MS = 20_000;

/** @returns what was done, in words */
type Fault = (options: FaultOptions, recoveries: Promise<Recovery>[]) => Promise<string>;

const faults = {
  'kill service': (options, recoveries) => kill('service', options, recoveries),
  'kill broker': (options, recoveries) => kill('broker', options, recoveries),
  'kill Postgres': (options, recoveries) => kill('Postgres', options, recoveries),
  stop,
  'cut Postgres': cut('Postgres'),
  'cut broker': cut('broker'),
  'slow Postgres': slow('Postgres'),
  'slow broker': slow('broker'),
  'silent Postgres': silence('Postgres'),
  'silent broker': silence('broker'),
  'full disk': full,
  poison,
  duplicate,
  reorder,
} satisfies Record<string, Fault>;

export type Kind = keyof typeof faults;
export const kinds = Object.keys(faults) as Kind[];

/** How often a kind is dealt in a round, if not once. */
const often: Partial<Record<Kind, number>> = { 'kill service': 3 };

/**
 * Does one thing after the other to a running system until the signal is aborted, each kind that there can be here before any
 * comes again: kill -9 of any process, Postgres and the broker among them, processes that stand still for a while, a network
 * to either that breaks, crawls or says nothing, a disk of Postgres that is full, and events that come twice, in another order or
 * torn. What is killed is brought back by the system; when this resolves it is there again, and everything else is over.
 */
export async function disturb(options: FaultOptions): Promise<Faults> {
  const { random, signal, say } = options;
  const counts = new Map<Kind, number>();
  const recoveries: Promise<Recovery>[] = [];
  const possible = kinds.filter((kind) => isPossible(kind, options));
  const deck = new Deck(
    possible.flatMap((kind) => Array<Kind>(often[kind] ?? 1).fill(kind)),
    random,
  );
  for (;;) {
    await pause(random.between(300, LONGEST_PAUSE_MS), signal);
    if (signal.aborted) break;
    const kind = deck.deal();
    say(await faults[kind](options, recoveries));
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const untried = possible.filter((kind) => !counts.has(kind));
  return { counts, untried, recoveries: await Promise.all(recoveries) };
}

export function isPossible(
  kind: Kind,
  { system, network, disk }: Pick<FaultOptions, 'system' | 'network' | 'disk'>,
): boolean {
  if (kind === 'kill broker') return namesOf('broker', system).length > 0;
  if (kind.endsWith(' broker')) return network.to('broker').length > 0;
  return kind !== 'full disk' || disk !== undefined;
}

function namesOf(killed: Killed, { instances, processes }: System): string[] {
  const names = instances.map(({ name }) => name);
  if (killed === 'service') return names;
  return processes.filter((name) => !names.includes(name) && (name === 'postgres') === (killed === 'Postgres'));
}

async function kill(
  killed: Killed,
  { system, random }: FaultOptions,
  recoveries: Promise<Recovery>[],
): Promise<string> {
  const name = await pickUp(system, namesOf(killed, system), random);
  const pid = system.pid(name)!;
  system.kill(name, 'SIGKILL');
  recoveries.push(recoveryOf(system, killed, name, pid));
  return `killed ${name}`;
}

async function stop({ system, random, signal }: FaultOptions): Promise<string> {
  const name = await pickUp(system, namesOf('service', system), random);
  const pid = system.pid(name)!;
  system.kill(name, 'SIGSTOP');
  await pause(random.between(1_000, LONGEST_STOP_MS), signal);
  if (system.pid(name) === pid) system.kill(name, 'SIGCONT');
  return `stopped ${name} for a while`;
}

function cut(end: End): Fault {
  return ({ network }) => {
    for (const way of network.to(end)) way.cut();
    return Promise.resolve(`cut all connections to ${nameOf(end)}`);
  };
}

function slow(end: End): Fault {
  return async ({ network, random, signal }) => {
    const delayMs = random.between(20, 200);
    for (const way of network.to(end)) way.slow({ delayMs });
    await pause(random.between(1_000, LONGEST_CUT_MS), signal);
    await network.heal();
    return `slowed the network to ${nameOf(end)}`;
  };
}

function silence(end: End): Fault {
  return async ({ network, random, signal }) => {
    for (const way of network.to(end)) way.blackHole();
    await pause(random.between(1_000, LONGEST_CUT_MS), signal);
    await network.heal();
    return `silenced the network to ${nameOf(end)}`;
  };
}

const nameOf = (end: End) => (end === 'broker' ? 'the broker' : end);

async function full({ system, disk, random, signal }: FaultOptions): Promise<string> {
  const postgres = await pickUp(system, namesOf('Postgres', system), random);
  disk!.fill();
  try {
    await pause(random.between(2_000, LONGEST_FULL_MS), signal);
  } finally {
    disk!.free();
  }
  if (await answers(system.databaseUrls.events!)) return 'filled the disk of Postgres';
  if (system.pid(postgres) !== undefined) system.kill(postgres, 'SIGKILL');
  return 'filled the disk of Postgres, which did not come back by itself then and was killed';
}

async function poison({ wire, random }: FaultOptions): Promise<string> {
  const { message, groups } = await wire.poisonThem(random);
  return `published bytes that nobody can read to ${message.topic}, for ${groups.join(', ')}`;
}

async function duplicate({ wire, random }: FaultOptions): Promise<string> {
  return `published ${await wire.duplicate(random)} events once more`;
}

async function reorder({ wire, random }: FaultOptions): Promise<string> {
  return `published ${await wire.reorder(random)} events the other way round`;
}

/** Whether Postgres does soon. */
async function answers(url: string): Promise<boolean> {
  for (const end = performance.now() + STARTED_MS; performance.now() < end; await sleep(200)) {
    const connected = withClient(url, () => Promise.resolve(true));
    if (await connected.catch(() => false)) return true;
  }
  return false;
}

/** One of those that are up, as soon as any is. */
async function pickUp(system: System, names: readonly string[], random: Random): Promise<string> {
  for (;;) {
    const up = names.filter((name) => system.pid(name) !== undefined);
    if (up.length > 0) return random.pick(up);
    await sleep(100);
  }
}

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined);
