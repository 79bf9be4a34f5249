import { Departures } from './departures';

let departures: Departures;
let told: string[][];
beforeEach(() => {
  departures = new Departures();
  told = [];
});
const tell = () => departures.tell((names) => Promise.resolve(void told.push([...names])));
async function looks(...found: string[][]): Promise<void> {
  for (const ended of found) {
    departures.found(ended);
    await tell();
  }
}

test('whoever was found ended twice in a row is told of once', async () => {
  await looks(['a'], ['a', 'b'], ['a', 'b'], ['a', 'b']);
  expect(told).toEqual([['a'], ['b']]);
});

test('whoever had only lost its connection is not told of', async () => {
  await looks(['a'], [], ['a'], []);
  expect(told).toEqual([]);
});

test('one that came back and died later is told of again', async () => {
  await looks(['a'], ['a'], [], ['a'], ['a']);
  expect(told).toEqual([['a'], ['a']]);
});

test('after a look that failed the others are given as long as ten looks to come back', async () => {
  departures.found(['a']);
  departures.failed();
  await looks(...Array<string[]>(9).fill(['a']));
  expect(told).toEqual([]);
  await looks(['a', 'b']);
  expect(told).toEqual([['a']]);
});

test('what could not be told is told the next time', async () => {
  departures.found(['a']);
  departures.found(['a']);
  await expect(departures.tell(() => Promise.reject(new Error('no broker')))).rejects.toThrow('no broker');
  await tell();
  await tell();
  expect(told).toEqual([['a']]);
});
