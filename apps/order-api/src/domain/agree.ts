import type { Decision } from '@order-events/messaging';
import type { Order, OrderTables } from './tables';
import { confirm, note, type Cause } from './transitions';

/** One of the two that a pending order waits for has said yes; the second yes confirms it, whichever that is. */
export function agree(
  order: Order,
  yes: Pick<Order, 'inventory'> | Pick<Order, 'payment'>,
  cause: Cause,
): Decision<OrderTables> {
  const { inventory, payment } = { ...order, ...yes };
  return (inventory === 'reserved' && payment === 'authorized' ? confirm : note)(order, yes, cause);
}
