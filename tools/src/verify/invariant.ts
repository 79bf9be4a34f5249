import type { Ask } from './databases';
import type { Case } from './case';

/** Something that is true of a system at rest, whatever died while it was at work. */
export interface Invariant {
  name: string;
  check(cases: readonly Case[], ask: Ask): Promise<Finding> | Finding;
}

export interface Finding {
  /** How many things were looked at. */
  count: number;
  /** Each in words, with the id of what it is about. */
  violations: string[];
  /** What is not a violation, but should be known. */
  note?: string;
}

/**
 * An invariant of single orders.
 * @param problem what is wrong with a case; undefined when nothing is; null when it is not about this case
 */
export function ofEachCase(name: string, problem: (about: Case) => string | undefined | null): Invariant {
  return {
    name,
    check(cases) {
      const problems = cases.map((about) => ({ id: about.order_id, text: problem(about) }));
      return {
        count: problems.filter(({ text }) => text !== null).length,
        violations: problems.flatMap(({ id, text }) => (text ? [`${id} ${text}`] : [])),
      };
    },
  };
}
