import { MassFailure } from './mass-failure';

const bug = new Error('a bug');
const orders = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `o${from + n}`);

test('a handler that fails at everything is noticed after 51 orders', () => {
  const failure = new MassFailure();
  for (const order of orders(50)) failure.note(order, bug);
  expect(failure.isOn).toBe(false);
  failure.note('o50', bug);
  expect(failure.isOn).toBe(true);
  expect(failure.extent).toBe('51 of the last 51 orders');
  failure.clear();
  expect(failure.isOn).toBe(false);
});

test('a few orders that fail again and again are no mass, and neither are many among more', () => {
  const failure = new MassFailure();
  for (let n = 0; n < 1_000; n++) failure.note(`o${n % 50}`, bug);
  expect(failure.isOn).toBe(false);
  for (let n = 0; n < 1_000; n++) failure.note(`p${n}`, n % 2 ? bug : undefined);
  expect(failure.isOn).toBe(false);
});

test('whoever has recovered, and whoever was heard of long ago, does not count', () => {
  const failure = new MassFailure();
  for (const order of orders(60)) failure.note(order, bug);
  for (const order of orders(10)) failure.note(order);
  expect(failure.isOn).toBe(false);
  for (const order of orders(51, 100)) failure.note(order, bug);
  expect(failure.isOn).toBe(true);
  for (const order of orders(100, 200)) failure.note(order);
  expect(failure.isOn).toBe(false);
});
