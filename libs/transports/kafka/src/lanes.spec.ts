import { eventually } from '@order-events/testing';
import { Lanes } from './lanes';

test('a call that is held leaves partitions to the others', async () => {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const seen: string[] = [];
  const lanes = new Lanes<string>({
    batch: 100,
    inFlight: 1000,
    parallel: 4,
    run: async (items) => {
      if (items.includes('held')) await gate;
      seen.push(...items);
      return true;
    },
  });
  // What one fetch brings: an event in each partition, one of which is held.
  for (let n = 0; n < 12; n++) void lanes.add(n, [n === 0 ? 'held' : `first-${n}`]);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  for (let n = 0; n < 12; n++) void lanes.add(n, [`later-${n}`]);
  await eventually(() => seen.filter((item) => item.startsWith('later')).length === 9);
  letGo();
  await eventually(() => seen.length === 24);
});
