import { restartDelay } from './supervised';

test('the pause before a restart doubles up to a bound, and starts over after a long life', () => {
  const pauses: number[] = [];
  for (let pause: number | undefined; pauses.length < 7; pauses.push(pause)) pause = restartDelay(pause, 100);
  expect(pauses).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(restartDelay(5000, 10_000)).toBe(200);
});
