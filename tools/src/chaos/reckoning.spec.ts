import { emptyLedger } from './load';
import { reckon, type Facts } from './reckoning';

const fine: Facts = {
  seconds: 10,
  faults: new Map([
    ['kill service', 3],
    ['cut Postgres', 1],
  ]),
  untested: [],
  recoveries: new Map([['service', { ready: [2_000, 9_000, 3_000], first: [100] }]]),
  ledger: { ...emptyLedger(), accepted: new Set(['o1', 'o2']), retried: 4, unavailable: 3 },
  ended: new Map([['completed', 2]]),
  lost: [],
  letters: 5,
  repetitions: { duplicates: 7, resends: 1, mails: 2 },
  problems: [],
  healedMs: 1_500,
  results: [{ name: 'a completed order is charged once, with its total', count: 2, violations: [] }],
};
const reckoned = (other: Partial<Facts> = {}) => {
  const { lines, holds } = reckon({ ...fine, ...other });
  return { text: lines.join('\n'), holds };
};

test('tells what was done and what came of it', () => {
  const { text, holds } = reckoned();
  expect(holds).toBe(true);
  expect(text).toBe(
    `faults       cut Postgres 1, kill service 3
service killed   ready again 3.0 s, at worst 9.0 s, the first event 0.1 s, at worst 0.1 s after that
orders       2 answered with 201 (0/s), 0 lost, 0 done twice
requests     4 sent again (3 answered 503), 0 repeated, 0 cancels
ended        completed 2
dead letters 5 asked for, by bytes that nobody can read
repeated     7 deliveries absorbed, 1 events resent by the audit, 2 mails
at rest      after 1.5 s
wrong        nothing

ok   a completed order is charged once, with its total         2 checked, 0 violations
All invariants hold.`,
  );
});

test.each<[string, Partial<Facts>, string]>([
  ['an order that is lost', { lost: ['o1'] }, 'o1 was answered with 201 and is lost'],
  ['a problem', { problems: ['prod1: 3 pieces before, 2 after'] }, 'prod1: 3 pieces before, 2 after'],
  ['an odd answer', { ledger: { ...fine.ledger, surprises: ['answered with 400'] } }, 'answered with 400'],
  ['no order that was completed', { ended: new Map([['cancelled', 2]]) }, 'no order was completed'],
  [
    'something that was done twice',
    { results: [{ name: 'a completed order is charged once', count: 2, violations: ['o2 is charged 2 times'] }] },
    '0 lost, 1 done twice',
  ],
  [
    'an invariant that does not hold',
    { results: [{ name: 'every order has ended', count: 2, violations: ['o2 is pending'] }] },
    'FAIL every order has ended',
  ],
])('%s is wrong', (_, other, words) => {
  const { text, holds } = reckoned(other);
  expect(holds).toBe(false);
  expect(text).toContain(words);
});

test('what was not tested is said, and is not wrong', () => {
  const { text, holds } = reckoned({ untested: ['kill broker: not possible here'] });
  expect(text).toContain('NOT TESTED   kill broker: not possible here');
  expect(holds).toBe(true);
});
