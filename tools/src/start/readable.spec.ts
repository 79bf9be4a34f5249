import { readable } from './readable';

const entry = {
  level: 30,
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  pid: 1,
  hostname: 'h',
  name: 'inventory',
  msg: 'reserved',
};

test('a line of a log is shown with its time, level, text and details', () => {
  expect(readable(JSON.stringify({ ...entry, order_id: 'o1', took: { ms: 3 } }))).toEqual([
    '03:04:05.006 info  reserved order_id=o1 took={"ms":3}',
  ]);
});

test('an error is shown with where it happened', () => {
  const err = { message: 'no', stack: 'Error: no\n    at x.ts:1' };
  expect(readable(JSON.stringify({ ...entry, level: 50, msg: 'failed', err }))).toEqual([
    '03:04:05.006 error failed',
    'Error: no',
    '    at x.ts:1',
  ]);
});

test('levels and times may be text, and a warning is one line', () => {
  const err = { message: 'the database is away', stack: 'Error: …' };
  const warning = { ...entry, level: 'warn', time: '2026-01-02T03:04:05.006Z', msg: undefined, err };
  expect(readable(JSON.stringify(warning))).toEqual(['03:04:05.006 warn  the database is away']);
  expect(readable(JSON.stringify({ ...warning, msg: 'events are held', count: 2 }))).toEqual([
    '03:04:05.006 warn  events are held: the database is away count=2',
  ]);
});

test.each(['listening', '{ not json', '{"level":30,"time":"soon"}', ''])('%j is shown as it is', (line) => {
  expect(readable(line)).toEqual([line]);
});
