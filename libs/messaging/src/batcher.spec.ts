import fc from 'fast-check';
import { Batcher, bisect } from './index';

describe('a batcher', () => {
  test('gives each item its own output, in batches of at most the size asked for', async () => {
    const sizes: number[] = [];
    const batcher = new Batcher<number, number>((items) => {
      sizes.push(items.length);
      return Promise.resolve(items.map((item) => item * 2));
    }, 4);
    const outputs = await Promise.all(Array.from({ length: 10 }, (_, i) => batcher.submit(i)));
    expect(outputs).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(sizes).toEqual([4, 4, 2]);
  });

  test('runs one batch at a time; what comes meanwhile forms the next', async () => {
    const runs: { items: readonly string[]; end(): void }[] = [];
    const started: (() => void)[] = [];
    const begun = () => new Promise<void>((resolve) => started.push(resolve));
    const batcher = new Batcher<string, string>(
      (items) =>
        new Promise((resolve) => {
          runs.push({ items, end: () => resolve(items) });
          started.shift()?.();
        }),
      10,
    );
    let start = begun();
    const first = batcher.submit('a');
    await start;
    const rest = ['b', 'c'].map((item) => batcher.submit(item));
    expect(runs.map(({ items }) => items)).toEqual([['a']]);
    expect(batcher.queued).toBe(2);
    start = begun();
    runs[0]!.end();
    await first;
    await start;
    runs[1]!.end();
    expect(await Promise.all(rest)).toEqual(['b', 'c']);
    expect(runs.map(({ items }) => items)).toEqual([['a'], ['b', 'c']]);
    expect(batcher.queued).toBe(0);
  });

  test('rejects each item of a batch that fails, and goes on with the next', async () => {
    const batcher = new Batcher<number, number>(
      (items) => (items.includes(1) ? Promise.reject(new Error('no')) : Promise.resolve(items)),
      2,
    );
    const settled = await Promise.allSettled([0, 1, 2, 3].map((item) => batcher.submit(item)));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
  });
});

describe('bisect', () => {
  test('lets exactly the bad items fail, keeps the order, and asks no more often than halving needs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 64 }), async (bads) => {
        const items = bads.map((bad, index) => ({ bad, index }));
        const committed: number[] = [];
        let runs = 0;
        const outputs = await bisect(
          items,
          (some) => {
            runs++;
            if (some.some(({ bad }) => bad)) return Promise.reject(new Error('bad'));
            committed.push(...some.map(({ index }) => index));
            return Promise.resolve(some.map(({ index }) => `done ${index}`));
          },
          () => true,
          ({ index }, error) => `${(error as Error).message} ${index}`,
        );
        expect(outputs).toEqual(items.map(({ bad, index }) => `${bad ? 'bad' : 'done'} ${index}`));
        expect(committed).toEqual(items.filter(({ bad }) => !bad).map(({ index }) => index));
        const culprits = bads.filter(Boolean).length;
        expect(runs).toBeLessThanOrEqual(1 + 2 * culprits * Math.ceil(Math.log2(items.length)));
      }),
    );
  });

  test('rejects at once with what is nobody’s own fault', async () => {
    const run = jest.fn(() => Promise.reject(new Error('away')));
    const fail = jest.fn();
    await expect(bisect([1, 2, 3], run, () => false, fail)).rejects.toThrow('away');
    expect(run).toHaveBeenCalledTimes(1);
    expect(fail).not.toHaveBeenCalled();
  });
});
