import { later, timeOf } from './event-id';
import { systemRuntime } from './runtime';

const T = Date.UTC(2026, 0, 1);
const MADE_AT_T = `${T.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-')}-7abc-8000-000000000001`;

test('the time of an id is when it was made', () => {
  expect(timeOf(MADE_AT_T)).toBe(T);
  expect(Math.abs(timeOf(systemRuntime.eventId()) - Date.now())).toBeLessThan(60_000);
});

test('an id for later has that time, and is else the same', () => {
  const postponed = later(MADE_AT_T, 86_400_000.5);
  expect(timeOf(postponed)).toBe(T + 86_400_000);
  expect(postponed).toHaveLength(36);
  expect(postponed.slice(13)).toBe(MADE_AT_T.slice(13));
  expect(later(MADE_AT_T, 0)).toBe(MADE_AT_T);
});
