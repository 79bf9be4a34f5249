import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '@order-events/messaging';
import { Random } from '../simulate/random';
import type { System } from '../start';
import type { Disk } from './disk';
import { disturb, isPossible, kinds } from './faults';
import { giveUpPoison } from './letters';
import { client, emptyLedger } from './load';
import type { Network } from './network';
import { outcomes, totals } from './orders';
import { reckon } from './reckoning';
import { firstEvents, type Killed, type Recovery } from './recovery';
import { repetitions } from './repetitions';
import { atRest } from './rest';
import { Wire } from './wire';

const clients = 8;
/** Longer than a slow machine takes: a process that never comes up is a finding, too, and not waited for for ever. */
const HEALING_MS = 10 * 60_000;
/** Orders go on for so long after the last process has come back, so that a first event after that can be seen. */
const AFTERMATH_MS = 3_000;

export interface ChaosOptions {
  seconds: number;
  /** Of the faults: which, and when. What the system makes of them differs each time. */
  seed: number;
  network: Network;
  /** Of Postgres, if one could be made that can be filled. */
  disk: Disk | undefined;
  say: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Lets clients place orders on a running system while its processes are killed, then lets it heal, and checks that
 * nothing was lost or done twice.
 * @returns whether everything holds
 */
export async function runChaos(
  system: System,
  { seconds, seed, network, disk, say, signal }: ChaosOptions,
): Promise<boolean> {
  const { databaseUrls, apiUrls } = system;
  const stockBefore = await totals(databaseUrls);
  const ledger = emptyLedger();
  const wire = new Wire(system);
  const [calm, over] = [new AbortController(), new AbortController()];
  const until = (controller: AbortController) => AbortSignal.any([controller.signal, signal]);

  say(`${clients} clients place orders while the system is disturbed, for ${seconds} s; --seed ${seed} …`);
  const started = performance.now();
  const work = Array.from({ length: clients }, () => client(apiUrls, ledger, until(over)));
  const disturbing = disturb({ system, network, disk, wire, random: new Random(seed), signal: until(calm), say });
  const time = sleep(seconds * 1_000, undefined, { signal }).finally(() => calm.abort());
  const [{ counts: faults, untried, recoveries }] = await Promise.all([disturbing, time]);
  await network.heal();
  await sleep(AFTERMATH_MS, undefined, { signal }).finally(() => over.abort());
  const workedMs = performance.now() - started;
  say('no more faults; waiting until everything is up and at rest …');
  const healing = performance.now();
  await within('all processes and clients', HEALING_MS, Promise.all([system.ready(), ...work]));
  const undead = await giveUpPoison(system, wire);
  await wire.close();
  const results = await atRest(databaseUrls);
  const healedMs = performance.now() - healing;

  const { counts: ended, lost, broken } = await outcomes(databaseUrls, ledger);
  const stockAfter = await totals(databaseUrls);
  const leaked = [...stockBefore].filter(([product, pieces]) => stockAfter.get(product) !== pieces);
  const impossible = kinds.filter((kind) => !isPossible(kind, { system, network, disk }));
  const { lines, holds } = reckon({
    seconds: workedMs / 1_000,
    ...{ faults, ledger, ended, lost, healedMs, results },
    untested: [
      ...impossible.map((kind) => `${kind}: not possible here`),
      ...untried.map((kind) => `${kind}: the time was over before`),
    ],
    recoveries: await byKilled(databaseUrls, recoveries),
    letters: wire.poison.reduce((sum, { groups }) => sum + groups.length, 0),
    repetitions: await repetitions(system),
    problems: [
      ...broken,
      ...undead,
      ...leaked.map(([product, pieces]) => `${product}: ${pieces} pieces before, ${stockAfter.get(product)} after`),
    ],
  });
  for (const line of ['', ...lines]) say(line);
  return holds;
}

async function byKilled(databaseUrls: Readonly<Record<string, string>>, recoveries: readonly Recovery[]) {
  const found = new Map<Killed, { ready: number[]; first: number[] }>();
  for (const killed of new Set(recoveries.map((recovery) => recovery.killed))) {
    const some = recoveries.filter((recovery) => recovery.killed === killed);
    const ready = some.map(({ readyMs }) => readyMs);
    found.set(killed, { ready, first: await firstEvents(databaseUrls, some) });
  }
  return found;
}
