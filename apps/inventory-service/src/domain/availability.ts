import { AVAILABLE_SHOWN, type Availability } from '@order-events/contracts';
import type { Stock } from './tables';

/** What a customer may know of the stock. Of a product that is unknown here no order would get any. */
export function availabilityOf(product_id: string, stock: Pick<Stock, 'available'> | undefined): Availability {
  const available = stock?.available ?? 0;
  return {
    product_id,
    in_stock: available > 0,
    available: Math.min(available, AVAILABLE_SHOWN),
    or_more: available > AVAILABLE_SHOWN,
  };
}
