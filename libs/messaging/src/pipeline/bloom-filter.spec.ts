import { randomUUID } from 'node:crypto';
import { BloomFilter } from './bloom-filter';

const ids = (count: number) => Array.from({ length: count }, () => randomUUID());

test('holds the last hundred thousand for certain, and takes few others for one of them', () => {
  const filter = new BloomFilter();
  const [ages, ago, now] = [ids(100_000), ids(100_000), ids(100_000)];
  expect(ages.some((id) => filter.mayHold(id))).toBe(false);
  for (const id of [...ages, ...ago, ...now]) filter.add(id);
  expect([...ago, ...now].every((id) => filter.mayHold(id))).toBe(true);
  const mistaken = (some: readonly string[]) => some.filter((id) => filter.mayHold(id)).length / some.length;
  expect(mistaken(ages)).toBeLessThan(0.03);
  expect(mistaken(ids(100_000))).toBeLessThan(0.03);
});
