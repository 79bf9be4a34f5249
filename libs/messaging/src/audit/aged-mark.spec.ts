import { VirtualRuntime } from '@order-events/testing';
import { AgedMark } from './aged-mark';
import { ResendBudget } from './budget';

test('a mark is used half a minute after it was seen, and not before', async () => {
  const runtime = new VirtualRuntime();
  let published: { mark: string; position: number } | undefined = { mark: 'a', position: 1 };
  const looks = jest.fn(() => Promise.resolve(published));
  const mark = new AgedMark({ published: looks }, runtime, new ResendBudget());
  expect(await mark.read()).toBeUndefined();
  published = { mark: 'b', position: 2 };
  runtime.pass(29_999);
  expect(await mark.read()).toBeUndefined();
  runtime.pass(1);
  expect(await Promise.all([mark.read(), mark.read()])).toEqual(['a', 'a']);
  // What came with a restore is being published once more.
  published = undefined;
  runtime.pass(30_000);
  expect(await mark.read()).toBe('b');
  runtime.pass(30_000);
  expect(await mark.read()).toBeUndefined();
  expect(looks).toHaveBeenCalledTimes(4);
});
