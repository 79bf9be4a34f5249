import { loadCases } from './case';
import { openDatabases } from './databases';
import { eventInvariants } from './events';
import { goodsInvariants } from './goods';
import type { Finding, Invariant } from './invariant';
import { mailInvariants } from './mails';
import { moneyInvariants } from './money';
import { orderInvariants } from './orders';
import { stockInvariants } from './stock';

export const invariants: readonly Invariant[] = [
  ...orderInvariants,
  ...moneyInvariants,
  ...stockInvariants,
  ...goodsInvariants,
  ...mailInvariants,
  ...eventInvariants,
];

export interface Result extends Finding {
  name: string;
}

/**
 * Checks all invariants against the databases of a system at rest. Of one that is at work some do not hold: its
 * databases are read one after the other.
 */
export async function verify(databaseUrls: Readonly<Record<string, string>>): Promise<Result[]> {
  const databases = await openDatabases(databaseUrls);
  try {
    const cases = await loadCases(databases.ask);
    const results: Result[] = [];
    for (const { name, check } of invariants) results.push({ name, ...(await check(cases, databases.ask)) });
    return results;
  } finally {
    await databases.close();
  }
}

/** One line an invariant, and a few of its violations below it. */
export function report(results: readonly Result[]): string[] {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.flatMap(({ name, count, violations, note }) => [
    `${violations.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(width)} ${String(count).padStart(9)} checked, ${violations.length} violations`,
    ...violations.slice(0, 5).map((violation) => `       ${violation}`),
    ...(violations.length > 5 ? [`       and ${violations.length - 5} more`] : []),
    ...(note ? [`       note: ${note}`] : []),
  ]);
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  return [...lines, failed === 0 ? 'All invariants hold.' : `${failed} of ${results.length} invariants do not hold.`];
}

export const holds = (results: readonly Result[]) => results.every(({ violations }) => violations.length === 0);
