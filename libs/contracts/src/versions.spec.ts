import { z } from 'zod';
import { dataschema, readData } from './index';

const reserved = { order_id: 'o1' };

test('reads the newest version, and drops fields it does not know', () => {
  expect(readData('inventory.reserved', dataschema('inventory.reserved'), { ...reserved, later: 1 })).toEqual({
    ok: true,
    topic: 'inventory.reserved',
    data: reserved,
  });
});

test.each([
  ['order.vanished', 'urn:order-events:order.vanished:1', reserved, 'unknown_type'],
  ['inventory.reserved', 'urn:order-events:inventory.reserved:2', reserved, 'newer_version'],
  ['inventory.reserved', 'urn:order-events:inventory.reserved:0', reserved, 'unknown_version'],
  ['inventory.reserved', 'https://example.com/schema', reserved, 'unknown_version'],
  ['inventory.reserved', dataschema('inventory.reserved'), { order_id: 'a b' }, 'invalid_data'],
  ['toString', 'urn:order-events:toString:1', reserved, 'unknown_type'],
])('%s with %s is told apart', (type, schema, data, problem) => {
  expect(readData(type, schema, data)).toMatchObject({ ok: false, problem });
});

test('lifts older data step by step to the newest version', () => {
  const registry = {
    'thing.made': {
      version: 3,
      data: z.object({ name: z.string(), size: z.int(), unit: z.string() }),
      lifts: [
        (data: unknown) => ({ ...(data as object), size: Number((data as { length: string }).length) }),
        (data: unknown) => ({ ...(data as object), unit: 'cm' }),
      ],
    },
  };
  const read = (version: number, data: object) =>
    readData('thing.made', `urn:order-events:thing.made:${version}`, data, registry);
  const newest = { ok: true, topic: 'thing.made', data: { name: 'a', size: 7, unit: 'cm' } };
  expect(read(1, { name: 'a', length: '7' })).toEqual(newest);
  expect(read(2, { name: 'a', size: 7 })).toEqual(newest);
  expect(read(3, { name: 'a', size: 7, unit: 'cm' })).toEqual(newest);
  expect(read(4, {})).toMatchObject({ ok: false, problem: 'newer_version' });
  expect(read(2, { name: 'a', size: 'x' })).toMatchObject({ ok: false, problem: 'invalid_data' });
});
