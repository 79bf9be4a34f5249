import { LEAST_A_SECOND, ResendBudget } from './budget';

test('gives what has gathered, at most that of 30 s, and then as much as time brings', () => {
  const budget = new ResendBudget();
  expect(budget.take(10_000, 0)).toBe(LEAST_A_SECOND * 30);
  expect(budget.take(10, 0)).toBe(0);
  expect(budget.take(10_000, 2_000)).toBe(LEAST_A_SECOND * 2);
  expect(budget.take(5, 3_000)).toBe(5);
  expect(budget.take(10_000, 3_600_000)).toBe(LEAST_A_SECOND * 30);
});

test('grows to a twentieth of what the relay publishes, and falls back with it', () => {
  const budget = new ResendBudget();
  budget.observe(1_000, 0);
  budget.observe(1_000 + 30 * 1_000, 30_000);
  expect(budget.take(10_000, 30_000)).toBe(1_500);
  expect(budget.take(10_000, 31_000)).toBe(50);
  // After a late committer the place may be a lower one.
  budget.observe(1_000, 61_000);
  budget.take(10_000, 61_000);
  expect(budget.take(10_000, 62_000)).toBe(LEAST_A_SECOND);
});
