import { holds, report, type Result } from '../verify';
import type { Kind } from './faults';
import type { Ledger } from './load';
import type { Killed } from './recovery';
import type { Repetitions } from './repetitions';

/** What was done to a system, and what was found when it was at rest again. */
export interface Facts {
  seconds: number;
  faults: ReadonlyMap<Kind, number>;
  /** What this run says nothing about. */
  untested: readonly string[];
  /** After kill -9, milliseconds: until it was ready again, and from then until the first event. */
  recoveries: ReadonlyMap<Killed, { ready: readonly number[]; first: readonly number[] }>;
  ledger: Ledger;
  /** Orders by how they ended. */
  ended: ReadonlyMap<string, number>;
  /** Orders that were answered with 201, and are not there or have not ended. */
  lost: readonly string[];
  /** Dead letters that were asked for. */
  letters: number;
  repetitions: Repetitions;
  /** Whatever else is not as it should be. */
  problems: readonly string[];
  healedMs: number;
  results: readonly Result[];
}

/** The invariants that something done twice breaks, by their names. */
const COUNTED = /\b(once|twice)\b/;
const SHOWN = 20;

/** What all that comes to, in words. */
export function reckon(facts: Facts): { lines: string[]; holds: boolean } {
  const { seconds, faults, untested, recoveries, ledger, ended, lost, letters, repetitions, healedMs, results } = facts;
  const counted = results.filter(({ name }) => COUNTED.test(name));
  const double = counted.reduce((sum, { violations }) => sum + violations.length, 0);
  const wrong = [
    ...lost.map((order_id) => `${order_id} was answered with 201 and is lost`),
    ...facts.problems,
    ...ledger.surprises,
    // A system that refuses or cancels whatever comes keeps every other promise.
    ...(ended.has('completed') ? [] : ['no order was completed']),
  ];
  const lines = [
    `faults       ${list(faults)}`,
    ...untested.map((what) => `NOT TESTED   ${what}`),
    ...[...recoveries].map(
      ([killed, { ready, first }]) =>
        `${`${killed} killed`.padEnd(16)} ready again ${spread(ready)}, the first event ${spread(first)} after that`,
    ),
    `orders       ${ledger.accepted.size} answered with 201 (${(ledger.accepted.size / seconds).toFixed(0)}/s), ${lost.length} lost, ${double} done twice`,
    `requests     ${ledger.retried} sent again (${ledger.unavailable} answered 503), ${ledger.repeated} repeated, ${ledger.cancels} cancels`,
    `ended        ${list(ended)}`,
    `dead letters ${letters} asked for, by bytes that nobody can read`,
    `repeated     ${repetitions.duplicates} deliveries absorbed, ${repetitions.resends} events resent by the audit, ${repetitions.mails} mails`,
    `at rest      after ${inSeconds(healedMs)}`,
    `wrong        ${wrong.length === 0 ? 'nothing' : ''}`,
    ...wrong.slice(0, SHOWN).map((line) => `             ${line}`),
    ...(wrong.length > SHOWN ? [`             and ${wrong.length - SHOWN} more`] : []),
    '',
    ...report(results),
  ];
  return { lines, holds: wrong.length === 0 && holds(results) };
}

function list(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => `${name} ${count}`);
  return parts.join(', ') || 'none';
}

/** Half of them, and the worst. */
function spread(milliseconds: readonly number[]): string {
  if (milliseconds.length === 0) return 'never';
  const sorted = milliseconds.toSorted((a, b) => a - b);
  return `${inSeconds(sorted[Math.floor((sorted.length - 1) / 2)]!)}, at worst ${inSeconds(sorted.at(-1)!)}`;
}

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
