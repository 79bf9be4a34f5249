import { anyOf } from './any-of';

const never = () => new Promise<boolean>(() => undefined);
const away = () => Promise.reject<boolean>(new Error('away'));

test('one yes is enough, whatever the others do', async () => {
  expect(await anyOf([never(), Promise.resolve(true), away()])).toBe(true);
});

test('a no of all is a no', async () => {
  expect(await anyOf([Promise.resolve(false), Promise.resolve(false)])).toBe(false);
  expect(await anyOf([])).toBe(false);
});

test('without a yes, one that does not answer leaves it open', async () => {
  await expect(anyOf([Promise.resolve(false), away()])).rejects.toThrow('away');
});
