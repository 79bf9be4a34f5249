import { compare, table, type Variant } from './compare';

/** Does so many events in a second, by a clock of the test's own. */
let now = 0;
beforeEach(() => void jest.spyOn(performance, 'now').mockImplementation(() => now));
afterEach(() => void jest.restoreAllMocks());

const variant = (name: string, ...rates: number[]): Variant & { runs: number } => ({
  name,
  runs: 0,
  run() {
    now += 1_000_000 / rates[this.runs++ % rates.length]!;
    return Promise.resolve(1_000);
  },
});

test('compares each with the first of its round, and does not count the first round', async () => {
  const [slow, fast] = [variant('slow', 1, 100, 50, 100), variant('fast', 1, 300, 200, 200)];
  const [first, second] = await compare([slow, fast], 3);
  expect([slow.runs, fast.runs]).toEqual([4, 4]);
  expect(first).toEqual({ name: 'slow', perSecond: expect.closeTo(100), times: { middle: 1, least: 1, most: 1 } });
  expect(second!.perSecond).toBeCloseTo(200);
  expect(second!.times.least).toBeCloseTo(2);
  expect(second!.times.middle).toBeCloseTo(3);
  expect(second!.times.most).toBeCloseTo(4);
});

test('changes who begins', async () => {
  const order: string[] = [];
  const noting = (name: string): Variant => ({ name, run: () => Promise.resolve(order.push(name)) });
  await compare([noting('a'), noting('b')], 1);
  expect(order).toEqual(['a', 'b', 'b', 'a']);
});

test('the table lines up', () => {
  const times = { middle: 12.345, least: 1, most: 20 };
  expect(table('relay', [{ name: 'windows of 500', perSecond: 1234.5, times }])).toEqual([
    'relay            events/s    times  least to most',
    'windows of 500       1235    12.35  1.00 to 20.00',
  ]);
});
