import { VirtualRuntime } from '@order-events/testing';
import type { Published } from '../ports/audit-store';
import { AgedMark } from './aged-mark';
import { ResendBudget } from './budget';

test('a mark is used half a minute after it was seen, with that time, and not before', async () => {
  const runtime = new VirtualRuntime();
  runtime.pass(1_000);
  let published: Published | undefined = { mark: 'a', position: 1 };
  const looks = jest.fn(() => Promise.resolve(published));
  const mark = new AgedMark({ published: looks }, runtime, new ResendBudget());
  expect(await mark.read()).toBeUndefined();
  published = { mark: 'b', position: 2 };
  runtime.pass(29_999);
  expect(await mark.read()).toBeUndefined();
  runtime.pass(1);
  const first = { mark: 'a', position: 1, at: 1_000 };
  expect(await Promise.all([mark.read(), mark.read()])).toEqual([first, first]);
  // What came with a restore is being published once more.
  published = undefined;
  runtime.pass(30_000);
  expect(await mark.read()).toEqual({ mark: 'b', position: 2, at: 31_000 });
  runtime.pass(30_000);
  expect(await mark.read()).toBeUndefined();
  expect(looks).toHaveBeenCalledTimes(4);
  expect(mark.now()).toBe(runtime.elapsed());
});
