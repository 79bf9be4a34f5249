import type { AuditAnswer } from '@order-events/contracts';
import { systemRuntime } from '../runtime';
import { judge, pauseAfter, timeOf } from './rule';

/** An event id as it is made at a time, milliseconds. */
const idAt = (ms: number) => `${ms.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-')}-7000-8000-000000000001`;
const answer = (more: Partial<AuditAnswer>): AuditAnswer => ({
  question: '',
  group: 'g',
  missing: [],
  idle: false,
  ...more,
});

const T = Date.UTC(2026, 0, 1);
const at = (ms: number) => new Date(T + ms).toISOString();

test.each<[string, Partial<AuditAnswer>, string]>([
  ['nothing waits', { idle: true }, 'lost'],
  ['it has come 30 s past it', { newest: at(30_000) }, 'lost'],
  ['it has not come quite as far', { newest: at(29_999) }, 'late'],
  ['it is behind', { newest: at(-3_600_000) }, 'late'],
  ['it has handled nothing that is newer', {}, 'late'],
])('an event that a group does not hold, when %s', (_, more, verdict) => {
  const id = idAt(T);
  expect(judge(id, answer(more), new Set([id]))).toBe(verdict);
  expect(judge(id, answer(more), new Set([idAt(T + 1)]))).toBe('held');
});

test('the time of an id is when it was made', () => {
  expect(timeOf(idAt(T))).toBe(T);
  expect(Math.abs(timeOf(systemRuntime.eventId()) - Date.now())).toBeLessThan(60_000);
});

test('a group is asked less and less often about the same', () => {
  expect([1, 2, 3, 4, 5, 6, 100].map((n) => pauseAfter(n) / 1000)).toEqual([30, 60, 120, 240, 480, 600, 600]);
});
