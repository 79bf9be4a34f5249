import fc from 'fast-check';
import { backoff, redeliveryPause, tenTries } from './index';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('ten tries: 200 ms, doubled each time, at most 5 min, spread by chance', () => {
  const most = Array.from({ length: 10 }, (_, i) => tenTries(i + 1, 0.999999999));
  expect(most).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, null]);
  expect(tenTries(1, 0)).toBe(0);
  expect(tenTries(3, 0.5)).toBe(400);
});

test('a backoff is a whole number of milliseconds between nothing and its cap, after any number of tries', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), chance, (attempts, random) => {
      const ms = backoff(attempts, random, 100, 5_000);
      expect(Number.isSafeInteger(ms)).toBe(true);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(5_000);
    }),
  );
});

test('a message that is given back comes again after a while that doubles, up to half a minute', () => {
  expect([0, 1, 2, 3, 9, 10, 1_000].map(redeliveryPause)).toEqual([100, 100, 200, 400, 25_600, 30_000, 30_000]);
});
