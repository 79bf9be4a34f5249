import { contradiction, onAnswer } from './answer';
import { agree } from './agree';
import { cancel } from './transitions';

export const inventoryReserved = onAnswer('inventory.reserved', (order, _, cause) =>
  order.inventory === 'reserved' ? {} : agree(order, { inventory: 'reserved' }, cause),
);

export const inventoryRejected = onAnswer('inventory.rejected', (order, _, cause) => {
  if (order.inventory === 'reserved') throw contradiction(order, cause);
  return cancel(order, 'out_of_stock', cause);
});
