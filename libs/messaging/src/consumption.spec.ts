import { Consumption } from './consumption';

test('as long as nobody could say whether the group is paused, nothing is decided', async () => {
  const consumption = new Consumption({
    subscribe: () => Promise.reject(new Error('not asked for')),
    isPaused: () => Promise.reject(new Error('the database is away')),
    pause: () => Promise.resolve(),
  });
  await expect(consumption.follow()).rejects.toThrow('away');
  // The retry worker asks this, 250 ms later, maybe with a database that has just come back.
  expect(consumption.standsStill).toBe(true);
});
