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
