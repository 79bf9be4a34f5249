import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '@order-events/messaging';
import type { FaultProxy } from '@order-events/testing';
import type { System } from '../start';
import { holds, report } from '../verify';
import { Random } from '../simulate/random';
import type { Disk } from './disk';
import { disturb } from './faults';
import { client, emptyLedger } from './load';
import { outcomes, totals } from './orders';
import { firstEvents } from './recovery';
import { repetitions } from './repetitions';
import { atRest } from './rest';

const clients = 8;
/** Longer than a slow machine takes: a process that never comes up is a finding, too, and not waited for for ever. */
const HEALING_MS = 10 * 60_000;

export interface ChaosOptions {
  seconds: number;
  /** Of the faults: which, and when. What the system makes of them differs each time. */
  seed: number;
  /** Between the services and Postgres. */
  network: FaultProxy;
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
  const over = new AbortController();
  const ends = AbortSignal.any([over.signal, signal]);

  say(`${clients} clients place orders while the system is disturbed, for ${seconds} s; --seed ${seed} …`);
  const work = Array.from({ length: clients }, () => client(apiUrls, ledger, ends));
  const disturbing = disturb({ system, network, disk, random: new Random(seed), signal: ends, say });
  await sleep(seconds * 1_000, undefined, { signal }).finally(() => over.abort());
  const { counts: faults, recoveries } = await disturbing;
  await network.heal();
  say('no more faults; waiting until everything is up and at rest …');
  const healing = performance.now();
  await within('all processes and clients', HEALING_MS, Promise.all([system.ready(), ...work]));
  const results = await atRest(databaseUrls);
  const healed = (performance.now() - healing) / 1_000;

  const { counts, broken } = await outcomes(databaseUrls, ledger);
  const { duplicates, resends } = await repetitions(system);
  const first = await firstEvents(databaseUrls, recoveries);
  const stockAfter = await totals(databaseUrls);
  const leaked = [...stockBefore].filter(([product, pieces]) => stockAfter.get(product) !== pieces);
  const wrong = [
    ...broken,
    ...leaked.map(([product, pieces]) => `${product}: ${pieces} pieces before, ${stockAfter.get(product)} after`),
    // A system that cancels whatever comes keeps every other promise.
    ...(counts.has('completed') ? [] : ['no order was completed']),
    ...ledger.surprises,
  ];

  say('');
  say(`faults       ${list(faults)}`);
  if (!disk) say('NOT TESTED   a full disk');
  say(`ready again  ${spread(recoveries.map(({ readyMs }) => readyMs))} after kill -9`);
  say(`first event  ${spread(first)} after that`);
  say(`accepted     ${ledger.accepted.size} orders (${(ledger.accepted.size / seconds).toFixed(0)}/s)`);
  say(
    `requests     ${ledger.retried} sent again (${ledger.unavailable} answered 503), ${ledger.repeated} repeated, ${ledger.cancels} cancels`,
  );
  say(`ended        ${list(counts)}`);
  say(`repeated     ${duplicates} deliveries absorbed, ${resends} events resent by the audit`);
  say(`at rest      after ${healed.toFixed(1)} s`);
  say(`wrong        ${wrong.length === 0 ? 'nothing' : ''}`);
  for (const line of wrong.slice(0, 20)) say(`             ${line}`);
  say('');
  for (const line of report(results)) say(line);
  return wrong.length === 0 && ledger.accepted.size > 0 && holds(results);
}

function list(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => `${name} ${count}`);
  return parts.join(', ') || 'none';
}

/** Half of them, and the worst. */
function spread(milliseconds: readonly number[]): string {
  if (milliseconds.length === 0) return 'never';
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  return `${seconds(sorted[Math.floor((sorted.length - 1) / 2)]!)}, at worst ${seconds(sorted.at(-1)!)}`;
}
