import type { AuditAnswer } from '@order-events/contracts';
import { isLost, pauseAfter } from './rule';

const T = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

test.each<[string, { newest?: number; idleMs?: number }, boolean, boolean]>([
  ['nothing waits', { idleMs: 0 }, true, false],
  ['nothing has waited for as long as a batch is kept', { idleMs: 4 * MINUTE }, true, true],
  ['nothing has waited for not quite as long', { idleMs: 4 * MINUTE - 1 }, true, false],
  ['it has handled what came into being 30 s after its publication', { newest: 30_000 }, true, true],
  ['what it has handled is not quite as new', { newest: 29_999 }, false, false],
  ['it is behind', { newest: -3_600_000 }, false, false],
  ['it has handled nothing that is newer', {}, false, false],
])('what a group does not hold, when %s', (_, { newest, idleMs }, lost, lostWithUnseenHands) => {
  const answer: AuditAnswer = {
    ...{ question: '', group: 'g', missing: [], idle: idleMs !== undefined },
    ...(newest !== undefined && { newest: new Date(T + newest).toISOString() }),
  };
  expect(isLost({ publishedBy: T, idleMs }, answer, false)).toBe(lost);
  expect(isLost({ publishedBy: T, idleMs }, answer, true)).toBe(lostWithUnseenHands);
});

test('a group is asked less and less often about the same', () => {
  expect([1, 2, 3, 4, 5, 6, 100].map((n) => pauseAfter(n) / 1000)).toEqual([30, 60, 120, 240, 480, 600, 600]);
});
