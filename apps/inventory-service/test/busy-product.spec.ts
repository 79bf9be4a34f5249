import { cloudEvent, TwoReplicas } from '@order-events/testing';
import { handlers, tables, type InventoryTables } from '../src/domain';
import { basket } from './basket';
import { database } from './database';

let two: TwoReplicas<InventoryTables>;
beforeEach(async () => {
  two = await TwoReplicas.start({ tables, handlers, answers: [], group: 'inventory', database });
});
afterEach(() => two.close());

test('a product that has moved very often can be ordered', async () => {
  await two.sql(
    `INSERT INTO stock (product_id, available, version) VALUES ('apple', 1000, 2147483647), ('pear', 1000, 5)`,
  );
  const ends = await two.race(['o1'], (order) => [cloudEvent('order.created', basket(order), 1)]);
  expect(ends).toEqual([{ told: ['inventory.reserved'], asked: [], dead: [] }]);
});
