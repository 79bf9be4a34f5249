import { Availability } from '@order-events/contracts';
import { availabilityOf } from './availability';

test.each([
  [undefined, { in_stock: false, available: 0, or_more: false }],
  [0, { in_stock: false, available: 0, or_more: false }],
  [1, { in_stock: true, available: 1, or_more: false }],
  [10, { in_stock: true, available: 10, or_more: false }],
  [11, { in_stock: true, available: 10, or_more: true }],
  [1_000_000_000, { in_stock: true, available: 10, or_more: true }],
])('of %s pieces a customer is told %j', (available, told) => {
  const stock = available === undefined ? undefined : { available };
  expect(Availability.parse(availabilityOf('p', stock))).toEqual({ product_id: 'p', ...told });
});
