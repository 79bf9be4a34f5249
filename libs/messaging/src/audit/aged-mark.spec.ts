import { VirtualRuntime } from '@order-events/testing';
import type { Published } from '../ports/audit-store';
import { AgedMark } from './aged-mark';
import { ResendBudget } from './budget';

const T = Date.UTC(2026, 0, 1);

test('a mark is used half a minute after it was seen, and not before', async () => {
  const runtime = new VirtualRuntime();
  const seen = (mark: string, position: number) => ({ mark, position, at: new Date(T + runtime.elapsed()) });
  let published: Published | undefined = seen('a', 1);
  const looks = jest.fn(() => Promise.resolve(published));
  const mark = new AgedMark({ published: looks }, runtime, new ResendBudget());
  expect(await mark.read()).toBeUndefined();
  published = seen('b', 2);
  runtime.pass(29_999);
  expect(await mark.read()).toBeUndefined();
  runtime.pass(1);
  const first = { mark: 'a', position: 1, at: new Date(T) };
  expect(await Promise.all([mark.read(), mark.read()])).toEqual([first, first]);
  // What came with a restore is being published once more.
  published = undefined;
  runtime.pass(30_000);
  expect(await mark.read()).toMatchObject({ mark: 'b' });
  runtime.pass(30_000);
  expect(await mark.read()).toBeUndefined();
  expect(looks).toHaveBeenCalledTimes(4);
});

test('the clock of the database goes on while nobody looks at it, and is set by each look', async () => {
  const runtime = new VirtualRuntime();
  let ahead = T;
  const published = () =>
    Promise.resolve({ mark: 'a', position: 1, at: new Date(ahead + runtime.elapsed()) } satisfies Published);
  const mark = new AgedMark({ published }, runtime, new ResendBudget());
  runtime.pass(1_000);
  await mark.read();
  runtime.pass(29_000);
  expect(mark.now()).toBe(T + 30_000);
  ahead += 5;
  runtime.pass(1_000);
  await mark.read();
  expect(mark.now()).toBe(T + 31_005);
});
